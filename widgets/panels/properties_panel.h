#pragma once
#include <QWidget>

#include "inspect/statistics.h"
#include "widgets/models/background_reader.h"
#include "widgets/models/opened_model.h"

class QGridLayout;

namespace espalier {

class ElidedLabel;
class Selection;

// What is known of the selected weight, layer or model: shape, form, bytes; norms as soon as they are read.
class PropertiesPanel : public QWidget {
  Q_OBJECT

 public:
  explicit PropertiesPanel(Selection* selection, QWidget* parent = nullptr);

  void setModel(const OpenedModelPtr& model);
  // The value shown under a name; empty when there is no such line.
  QString valueOf(const QString& name) const;

 private:
  void refresh();
  void showWeight(const ModelTreeNode& node);
  void showModel();
  void clearLines();
  void addLine(const QString& name, const QString& value, const QString& tip = {});

  Selection* m_selection;
  OpenedModelPtr m_model;
  BackgroundReader m_reader;
  QGridLayout* m_grid;
  ElidedLabel* m_title;
  QString m_shown;
};

}  // namespace espalier
