#pragma once
#include <QLabel>
#include <QScrollArea>
#include <QStyledItemDelegate>

class QAbstractItemView;

namespace espalier {

// Selected rows get the theme's quiet ground instead of the full accent, so that what they hold stays readable.
void useCalmSelection(QAbstractItemView* view);

// Rows on the grid, not as tight as the font allows.
class TallRows : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

// Scrolls down only: it is never narrower than its content, so nothing is cut at the side at any text size.
class ColumnScrollArea : public QScrollArea {
  Q_OBJECT

 public:
  explicit ColumnScrollArea(QWidget* parent = nullptr);
  QSize minimumSizeHint() const override;

 protected:
  bool eventFilter(QObject* object, QEvent* event) override;
};

// One line that is shortened with an ellipsis where it does not fit; the whole text is its tool tip.
class ElidedLabel : public QLabel {
  Q_OBJECT

 public:
  explicit ElidedLabel(Qt::TextElideMode mode, QWidget* parent = nullptr);
  void setFullText(const QString& text);
  const QString& fullText() const { return m_text; }
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  Qt::TextElideMode m_mode;
  QString m_text;
};

}  // namespace espalier
