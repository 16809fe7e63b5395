#pragma once
#include "app/workbench/pages/sentence_page.h"
#include "widgets/charts/saliency_view.h"

class QCheckBox;
class QComboBox;
class QLabel;

namespace espalier {

// Which words decided: the sentence coloured by gradient x input.
class SaliencyPage : public SentencePage {
  Q_OBJECT

 public:
  explicit SaliencyPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override { return m_view; }

 protected:
  void fillJob(JobSpec& spec) override;
  void take(const Json& answer) override;
  void setEmptyText(const QString& sentence) override;
  void forgetModel() override;

 private:
  QComboBox* m_label;
  QCheckBox* m_hideSpecial;
  SaliencyView* m_view;
  QLabel* m_caption;
};

// What a "saliency" job answered, with the words that the data set knows to decide marked.
SaliencyData readSaliency(const Json& answer, const Sentence& sentence);

}  // namespace espalier
