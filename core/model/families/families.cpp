#include <vector>

#include "model/families/family.h"

namespace espalier {

Family bert_family();
Family roberta_family();
Family distilbert_family();
Family electra_family();
Family albert_family();
Family mobilebert_family();
Family gpt2_family();
Family bart_family();
Family marian_family();
Family t5_family();

std::span<const Family> families() {
  static const std::vector<Family> all = {bert_family(),   roberta_family(),    distilbert_family(), electra_family(),
                                          albert_family(), mobilebert_family(), gpt2_family(),       bart_family(),
                                          marian_family(), t5_family()};
  return all;
}

}  // namespace espalier
