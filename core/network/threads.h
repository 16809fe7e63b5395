#pragma once

namespace espalier {

// Lets libtorch use as many threads as this process may run on, once, unless OMP_NUM_THREADS says otherwise: by itself
// libtorch 1.13 counts cores through a library that finds only one in some virtual machines.
void use_all_processors();

}  // namespace espalier
