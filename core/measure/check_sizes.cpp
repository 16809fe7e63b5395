#include "measure/check_sizes.h"

#include <string>

#include "base/error.h"

namespace espalier {

void check_sizes(size_t a, size_t b) {
  if (a == b) return;
  throw Error(ErrorKind::InvalidInput, {.what = "the two sides have different numbers of examples",
                                        .where = {},
                                        .got = std::to_string(a) + " and " + std::to_string(b),
                                        .wanted = {},
                                        .next = {}});
}

}  // namespace espalier
