// Reads lines and says what the model beside it makes of each: example [MODEL [THREADS]] < lines
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "espalier/engine.hpp"

int main(int count, char** arguments) {
  try {
    const std::string folder = count > 1 ? arguments[1] : "model";
    const espalier::engine::Model model(folder, count > 2 ? std::atoi(arguments[2]) : 0);

    std::vector<std::string> lines;
    for (std::string line; std::getline(std::cin, line);) lines.push_back(line);

    const espalier::engine::Rows logits = model.classify(lines);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const float* row = logits.row(static_cast<std::int64_t>(i));
      const auto best = std::max_element(row, row + logits.width) - row;
      const std::string name = model.label(best);
      std::printf("%s", name.empty() ? std::to_string(best).c_str() : name.c_str());
      for (std::int64_t k = 0; k < logits.width; ++k) std::printf("\t%.6f", static_cast<double>(row[k]));
      std::printf("\t%s\n", lines[i].c_str());
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
