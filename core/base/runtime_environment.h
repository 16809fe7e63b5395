#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace espalier {

// Numeric libraries read some choices from the environment when they load, before main: OpenBLAS 0.3.21 does not know
// newer cores and falls back to a slow kernel unless OPENBLAS_CORETYPE names a known one, and OpenMP's spinning threads
// slow each other down on few cores unless OMP_WAIT_POLICY is passive. Sets what the user has not set and starts this
// program again once, if anything had to be set. Call first in main.
void ensure_runtime_environment(char** argv);
// The same for an entry of .preinit_array, which runs ahead of the libraries' own beginnings: the start that is given
// up then costs no more than mapping them (of 0.7 s with libtorch, a third). ensure_runtime_environment() finds nothing
// left to do; where a system knows no such section, it does all.
void ensure_runtime_environment_early(int argc, char** argv, char** environment);

// The variables that ensure_runtime_environment would set, given what is set now (null: not set).
std::vector<std::pair<std::string, std::string>> missing_runtime_environment(
    const std::function<const char*(const char* name)>& current);

// Makes the allocator keep what is freed instead of giving it back to the system. Training allocates and frees the same
// large tensors at every step, and mapping their pages anew took 40 % of its processor time. Call once, in main.
void keep_freed_memory();
// While one lives the allocator keeps the largest blocks too, those above 32 MB: a feed-forward block of BERT-base has
// such tensors at 4,096 rows, and the products of a training step ran at 0.6 of their rate while each was mapped anew.
// For training alone: of work that frees what it will not ask for again this raises the peak of memory, by a third
// where MiniLM is quantized and evaluated. May be nested, on any threads.
class KeepLargeBlocks {
 public:
  KeepLargeBlocks();
  ~KeepLargeBlocks();
  KeepLargeBlocks(const KeepLargeBlocks&) = delete;
  KeepLargeBlocks& operator=(const KeepLargeBlocks&) = delete;
};
// Gives back what is free now: after a job, in a program that waits for the next.
void release_freed_memory();

}  // namespace espalier
