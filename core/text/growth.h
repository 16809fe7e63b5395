#pragma once
#include <cstddef>

#include "base/error.h"

namespace espalier {

// How long a text may become while it is prepared: a foreign file may ask for replacements of replacements, and must
// not be able to fill the memory with them.
class GrowthLimit {
 public:
  // `chars`: code points of the original text.
  explicit GrowthLimit(size_t chars) : limit_(64 * chars + 1024) {}
  // Throws Format when a text would become `chars` long.
  void check(size_t chars) const {
    if (chars > limit_) {
      throw Error(ErrorKind::Format, {.what = "the tokenizer makes a text grow without bound",
                                      .where = "its normalizer",
                                      .got = std::to_string(chars) + " characters",
                                      .wanted = "at most " + std::to_string(limit_)});
    }
  }

 private:
  size_t limit_;
};

}  // namespace espalier
