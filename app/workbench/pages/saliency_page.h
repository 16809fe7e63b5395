#pragma once
#include "app/workbench/pages/sentence_answers.h"
#include "app/workbench/pages/sentence_page.h"

class QCheckBox;
class QComboBox;
class QLabel;

namespace espalier {

// Which words decided: the sentence once for each method, under one another.
class SaliencyPage : public SentencePage {
  Q_OBJECT

 public:
  explicit SaliencyPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override { return m_rows; }
  SaliencyRows* rows() const { return m_rows; }

 protected:
  bool fillJob(size_t question, JobSpec& spec) override;
  void take(size_t question, const Json& answer) override;
  void setEmptyText(const QString& sentence) override;
  void forgetModel() override;

 private:
  enum Asked { GradientQuestion, AttentionQuestion };
  void showRows();
  void showLabels();

  QComboBox* m_label;
  QCheckBox* m_words;
  SaliencyRows* m_rows;
  QLabel* m_caption;
  BackgroundReader m_reader;
  SaliencyAnswer m_saliency;
  std::vector<double> m_rollout;  // empty while it is not known
};

}  // namespace espalier
