#pragma once
// A folder of data files for one test.

#include <fstream>

#include "data/task.h"
#include "tests/support/support.h"

namespace espalier::test {

class DataFolder : public testing::Test {
 protected:
  // Writes a file below the folder, byte for byte.
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path file = temp_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
    return file;
  }
  std::filesystem::path root() const { return temp_.path(); }
  Task open(const std::string& name, const TaskOptions& options = {}) const {
    return open_task((temp_.path() / name).string(), options);
  }

 private:
  TempDir temp_;
};

inline Dataset load(const Task& task, const std::string& split) { return task.load(split, {}); }

}  // namespace espalier::test
