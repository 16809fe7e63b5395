#pragma once
#include "app/workbench/pages/page.h"
#include "widgets/charts/saliency_view.h"

class QCheckBox;
class QComboBox;
class QLabel;

namespace espalier {

class SentenceBar;

// Which words decided: the sentence coloured by gradient x input.
class SaliencyPage : public Page {
  Q_OBJECT

 public:
  explicit SaliencyPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override { return m_view; }
  void activate() override;

 private:
  void invalidate();
  void ask();
  void take(const Json& answer);

  SentenceBar* m_sentence;
  QComboBox* m_label;
  QCheckBox* m_hideSpecial;
  SaliencyView* m_view;
  QLabel* m_caption;
  quint64 m_request = 0;
  bool m_current = false;
};

// What a "saliency" job answered, with the words that the data set knows to decide marked.
SaliencyData readSaliency(const Json& answer, const Sentence& sentence);

}  // namespace espalier
