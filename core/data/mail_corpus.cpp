#include "data/mail_corpus.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "data/source_text.h"
#include "formats/atomic_file.h"

namespace espalier {
namespace {

// The subject of a mail, lines that continue it joined, and its body.
std::string subject_and_body(std::string_view mail) {
  std::string subject;
  bool in_subject = false;
  size_t at = 0;
  while (at < mail.size()) {
    const size_t end = std::min(mail.find('\n', at), mail.size());
    std::string_view line = mail.substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    const bool continues = line.front() == ' ' || line.front() == '\t';
    if (!continues) in_subject = line.starts_with("Subject:");
    if (in_subject)
      subject +=
          std::string(subject.empty() ? "" : " ") + std::string(without_blanks(continues ? line : line.substr(8)));
  }
  return subject + "\n\n" + std::string(mail.substr(std::min(at, mail.size())));
}

std::string split_of_number(const std::string& number) {
  return number.back() == '8' ? "dev" : number.back() == '9' ? "test" : "train";
}

}  // namespace

void MailCorpus::add(const std::string& name, const std::string& bytes) {
  constexpr std::string_view kData = "data/";
  const size_t slash = name.find('/', kData.size());
  if (!name.starts_with(kData) || !name.ends_with(".txt") || slash == std::string::npos) return;
  const std::string group = name.substr(kData.size(), slash - kData.size());
  const std::string number = name.substr(slash + 1, name.find('.', slash) - slash - 1);
  const bool numbered = !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
  if (!numbered) return;
  bool recoded = false;
  const Json line = {{"text", to_utf8(subject_and_body(bytes), recoded)},
                     {"label", group.starts_with("spam") ? "spam" : "ham"},
                     {"group", group},
                     {"id", number}};
  recoded_ += recoded ? 1 : 0;
  lines_[split_of_number(number)][group + "/" + number] = line.dump();
}

std::string MailCorpus::write(const std::filesystem::path& folder) const {
  if (lines_.empty()) {
    throw Error(ErrorKind::Format, "the package holds no mails of the form data/FOLDER/NUMBER.HASH.txt");
  }
  std::string note;
  for (const char* split : {"train", "dev", "test"}) {
    const auto found = lines_.find(split);
    if (found == lines_.end()) continue;
    write_file_atomically(folder / (std::string(split) + ".jsonl"), [&](std::ostream& out) {
      for (const auto& [place, line] : found->second) out << line << '\n';
    });
    note += std::to_string(found->second.size()) + " mails in " + split + ", ";
  }
  return note + std::to_string(recoded_) + " of them held bytes that are no UTF-8 and were read as Windows-1252";
}

}  // namespace espalier
