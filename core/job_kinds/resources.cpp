#include "job_kinds/resources.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"

namespace espalier {
namespace fs = std::filesystem;

fs::path resource_folder() {
  std::vector<fs::path> places;
  if (const char* chosen = std::getenv("ESPALIER_RESOURCES"); chosen != nullptr && *chosen != '\0') {
    places.emplace_back(chosen);
  } else {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    // <source>/build/<preset>/bin/espalier, and an installed <prefix>/bin/espalier.
    const fs::path folder = program.parent_path();
    places = {(folder / "../../../resources").lexically_normal(), (folder / "../share/espalier").lexically_normal()};
  }
  std::string looked;
  for (const fs::path& place : places) {
    if (fs::is_directory(place)) return place;
    looked += (looked.empty() ? "" : ", ") + place.string();
  }
  throw Error(ErrorKind::Io, {.what = "the files that are shipped with the program are not there",
                              .where = {},
                              .got = {},
                              .wanted = looked,
                              .next = "Install the program again, or set ESPALIER_RESOURCES to its resources folder."});
}

}  // namespace espalier
