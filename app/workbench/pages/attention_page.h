#pragma once
#include "app/workbench/pages/sentence_page.h"
#include "widgets/charts/attention_data.h"

class QCheckBox;
class QLabel;
class QToolButton;

namespace espalier {

class AttentionHeadView;
class AttentionOverview;

// Who looks at whom: every head on the sentence at the left, the chosen one at the right.
class AttentionPage : public SentencePage {
  Q_OBJECT

 public:
  explicit AttentionPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override;

 protected:
  bool fillJob(size_t question, JobSpec& spec) override;
  void take(size_t question, const Json& answer) override;
  void setEmptyText(const QString& sentence) override;
  void forgetModel() override;
  bool showNothing() override;

 private:
  void showAttention(const AttentionPtr& attention, const Json& answer);
  void followSelection();

  AttentionOverview* m_overview;
  AttentionHeadView* m_head;
  QLabel* m_headTitle;
  QLabel* m_prediction;
  QToolButton* m_matrix;
  QCheckBox* m_hideSpecial;
  BackgroundReader m_reader;
};

}  // namespace espalier
