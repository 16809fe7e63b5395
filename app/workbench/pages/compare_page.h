#pragma once
#include "app/workbench/pages/sentence_answers.h"
#include "app/workbench/pages/sentence_page.h"
#include "widgets/charts/head_matrix.h"

class QCheckBox;
class QToolButton;

namespace espalier {

class AnswersView;
class ElidedLabel;
class RunPicker;
class WeightMaps;

// The open model and a run on one sentence, side by side: what they answer, which words decided, and by how much the
// attention of every head changed.
class ComparePage : public SentencePage {
  Q_OBJECT

 public:
  explicit ComparePage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override;
  RunPicker* runPicker() const { return m_run; }
  AnswersView* answers() const { return m_answers; }
  SaliencyRows* rows() const { return m_rows; }
  HeadMatrix* matrix() const { return m_matrix; }
  WeightMaps* maps() const { return m_maps; }

 protected:
  bool fillJob(size_t question, JobSpec& spec) override;
  void take(size_t question, const Json& answer) override;
  void setEmptyText(const QString& sentence) override;
  void forgetModel() override;
  bool showNothing() override;

 private:
  enum Asked { AttentionBefore, AttentionAfter, SaliencyBefore, SaliencyAfter };
  void takeAttention(size_t question, const Json& answer);
  void takeSaliency(size_t question, const Json& answer);
  void showWords();
  void compareAttention();
  void showHead();

  RunPicker* m_run;
  QCheckBox* m_words;
  AnswersView* m_answers;
  SaliencyRows* m_rows;
  HeadMatrix* m_matrix;
  WeightMaps* m_maps;
  ElidedLabel* m_headTitle;
  std::vector<QToolButton*> m_kinds;  // before, after, difference
  BackgroundReader m_beforeReader, m_afterReader, m_differenceReader;
  SaliencyAnswer m_saliencyBefore, m_saliencyAfter;
  AttentionPtr m_attentionBefore, m_attentionAfter;
  HeadScores m_change;
};

// How far a head's attention moved: half the sum of absolute differences of a query's weights (total variation), the
// mean over queries; 0 the same, 1 nothing in common. Heads that one of both lacks are left out.
HeadScores attentionChange(const AttentionData& before, const AttentionData& after);

}  // namespace espalier
