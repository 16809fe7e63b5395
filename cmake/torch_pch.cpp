// Owns the precompiled header of libtorch that every torch target reuses.
