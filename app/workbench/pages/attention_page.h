#pragma once
#include "app/workbench/pages/page.h"
#include "widgets/charts/attention_data.h"

class QCheckBox;
class QLabel;
class QTimer;
class QToolButton;

namespace espalier {

class AttentionHeadView;
class AttentionOverview;
class SentenceBar;

// Who looks at whom: every head on the sentence at the left, the chosen one at the right.
class AttentionPage : public Page {
  Q_OBJECT

 public:
  explicit AttentionPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override;
  void activate() override;

 private:
  void invalidate();
  void ask();
  void take(const Json& answer);
  void followSelection();

  SentenceBar* m_sentence;
  AttentionOverview* m_overview;
  AttentionHeadView* m_head;
  QLabel* m_headTitle;
  QLabel* m_prediction;
  QToolButton* m_matrix;
  QCheckBox* m_hideSpecial;
  BackgroundReader m_reader;
  quint64 m_request = 0;
  bool m_current = false;  // what is shown or being asked is the sentence of the session
};

// The attention that an "attention" job wrote: tokens and offsets from its answer, weights from its file.
AttentionPtr readAttention(const Json& answer, const Architecture& architecture);

}  // namespace espalier
