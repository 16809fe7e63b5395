#pragma once
// Runs the built program as a user would.

#include <functional>
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace espalier::test {

struct CommandResult {
  int exit_code = -1;  // 128 + signal when a signal ended it
  std::string out, err;

  Json json() const;  // stdout as one JSON value; fails the test when it is none
};

// `espalier` with these arguments and stdin. `on_output` is called with all of stdout so far whenever more has come;
// what it returns is sent as a signal (0: none).
CommandResult espalier(const std::vector<std::string>& arguments, const std::string& input = "",
                       const std::function<int(const std::string& out)>& on_output = {});

// The lab's trained model is in the source tree.
bool has_lab_model();

}  // namespace espalier::test

#define ESPALIER_REQUIRE_LAB_MODEL() \
  if (!::espalier::test::has_lab_model()) GTEST_SKIP() << "needs the trained model in resources/lab"
