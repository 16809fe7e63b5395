#pragma once
#include <QStyledItemDelegate>

namespace espalier {

// Draws a recipe step in two lines: number and method, and under it the settings that differ; a mark when it is faulty.
class StepDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

}  // namespace espalier
