#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "text/encoding.h"
#include "train/fine_tune.h"

namespace espalier {

// FNV-1a over 8-byte words: against mix-ups, not against forgery.
class Fingerprint {
 public:
  void add(std::span<const std::byte> bytes);
  void add(const std::string& text) { add(std::as_bytes(std::span(text))); }
  void add(uint64_t word);
  void add(const Encoding& encoding);
  std::string text() const { return std::to_string(state_); }

 private:
  uint64_t state_ = 0xcbf29ce484222325ULL;
};

class Objective;

// A short text that differs when options, model, teacher or data differ in anything that changes the result of
// fine_tune. Reads every weight once.
std::string training_fingerprint(const Model& model, const Objective& objective, const TrainOptions& options);

}  // namespace espalier
