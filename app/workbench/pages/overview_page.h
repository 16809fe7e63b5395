#pragma once
#include "app/workbench/pages/page.h"

class QComboBox;
class QGridLayout;
class QLabel;

namespace espalier {

class LedgerView;
class ModelMapView;

// What the model is, and where its bytes, MACs and milliseconds go: a map of all modules, and a bar a layer.
class OverviewPage : public Page {
  Q_OBJECT

 public:
  explicit OverviewPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override;
  void activate() override;
  ModelMapView* map() const { return m_map; }
  // Fades the modules whose name does not hold the text.
  void setSearch(const QString& text);

 private:
  void refresh();
  void modelChanged();
  void chooseMeasure();
  void countZeros();
  void measureTimes();
  void addFact(const QString& name, const QString& value, const QString& tip = {});

  QLabel* m_title;
  QLabel* m_subtitle;
  QGridLayout* m_facts;
  ModelMapView* m_map;
  QComboBox* m_measure;
  LedgerView* m_ledger;
  BackgroundReader m_sparsityReader;
  BackgroundReader m_timeReader;
};

}  // namespace espalier
