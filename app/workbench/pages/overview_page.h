#pragma once
#include "app/workbench/pages/page.h"

class QGridLayout;
class QLabel;

namespace espalier {

class LedgerView;

// What the model is, and where its bytes and MACs go.
class OverviewPage : public Page {
  Q_OBJECT

 public:
  explicit OverviewPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override;

 private:
  void refresh();
  void addFact(const QString& name, const QString& value, const QString& tip = {});

  QLabel* m_title;
  QLabel* m_subtitle;
  QGridLayout* m_facts;
  LedgerView* m_ledger;
};

}  // namespace espalier
