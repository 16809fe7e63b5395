#pragma once
#include <string>
#include <string_view>

namespace espalier {

// Collects bytes and gives whole lines, without their end.
class LineSplitter {
 public:
  template <typename OnLine>
  void feed(std::string_view bytes, OnLine&& on_line) {
    while (!bytes.empty()) {
      const size_t end = bytes.find('\n');
      pending_.append(bytes.substr(0, end));
      if (end == std::string_view::npos) return;
      const std::string line = std::move(pending_);
      pending_.clear();
      bytes.remove_prefix(end + 1);
      on_line(line);
    }
  }
  // What came after the last line end.
  const std::string& rest() const { return pending_; }

 private:
  std::string pending_;
};

}  // namespace espalier
