#pragma once
#include <array>

#include "app/workbench/pages/sentence_answers.h"
#include "app/workbench/pages/sentence_page.h"

class QAction;
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
  // One checkable action a method, in the order of the rows.
  const std::vector<QAction*>& methods() const { return m_methods; }

 protected:
  bool fillJob(size_t question, JobSpec& spec) override;
  void take(size_t question, const Json& answer) override;
  void asking() override;
  void setEmptyText(const QString& sentence) override;
  void forgetModel() override;

 private:
  // One a method, in the order of the rows.
  enum Asked { GradientXInput, IntegratedGradients, SmoothGrad, Occlusion, Gradient, Rollout, kAsked };
  bool isOn(size_t method) const;
  void takeRollout(const Json& answer);
  void showRows();
  void showLabels();
  QString caption() const;

  QComboBox* m_label;
  QCheckBox* m_words;
  std::vector<QAction*> m_methods;
  SaliencyRows* m_rows;
  QLabel* m_caption;
  BackgroundReader m_reader;
  SaliencyAnswer m_first;                            // of this sentence: its tokens and the verdict
  std::array<std::vector<double>, kAsked> m_scores;  // by method; empty while they are not known
  std::optional<double> m_completenessError;         // of the integrated gradients
  bool m_old = false;                                // what is shown is of the sentence before
};

}  // namespace espalier
