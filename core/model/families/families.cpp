#include <vector>

#include "model/families/family.h"

namespace espalier {

Family bert_family();

std::span<const Family> families() {
  static const std::vector<Family> all = {bert_family()};
  return all;
}

}  // namespace espalier
