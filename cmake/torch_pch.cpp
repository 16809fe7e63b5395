// Owns the precompiled header of libtorch that every torch target reuses. torch.h would cost a file three times as
// much.
