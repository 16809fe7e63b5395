#pragma once
#include <filesystem>
#include <map>
#include <string>

namespace espalier {

// A corpus of mails in folders of ham and spam, made into a classification task: JSONL with the members text, label,
// group (the folder) and id. The text is the subject line, an empty line and the body as it was sent; the other header
// lines are left out, because they tell the mailbox and not the message. Of every ten numbers of a folder eight go to
// train, one to dev and one to test.
class MailCorpus {
 public:
  // Takes "data/FOLDER/NUMBER.HASH.txt"; other files are passed over.
  void add(const std::string& name, const std::string& bytes);

  // Writes train.jsonl, dev.jsonl and test.jsonl. Says what was written; Format when there is no mail.
  std::string write(const std::filesystem::path& folder) const;

 private:
  std::map<std::string, std::map<std::string, std::string>> lines_;  // by split, then by folder and number
  int64_t recoded_ = 0;
};

}  // namespace espalier
