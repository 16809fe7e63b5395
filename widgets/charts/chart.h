#pragma once
#include <QWidget>

#include "widgets/charts/figure.h"

namespace espalier {

// What all charts share: title and conditions for pictures, the sentence of the empty state, colours that follow the
// theme, figure actions, keyboard focus.
class Chart : public QWidget, public Figure {
  Q_OBJECT

 public:
  explicit Chart(QWidget* parent = nullptr);

  // Shown in exported pictures, and read by screen readers.
  void setTitle(const QString& title);
  void setConditions(const QString& conditions);
  // One sentence that says why there is nothing and what to do.
  void setEmptyText(const QString& sentence);
  virtual bool isEmpty() const = 0;
  FigureActions& figureActions() { return *m_actions; }

  QString figureTitle() const override { return m_title; }
  // The note of what is shown, then the conditions.
  QString figureConditions() const override;
  QSize figureSize() const override;

 Q_SIGNALS:
  // What is under the pointer, exact, in one line for a status bar; empty when nothing is.
  void readoutChanged(const QString& text);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void leaveEvent(QEvent* event) override;
  // Drawn over the figure on screen only: hover, selection, focus.
  virtual void paintOverlay(QPainter& painter, const ThemeColors& colors) {
    Q_UNUSED(painter)
    Q_UNUSED(colors)
  }
  // What the data say of themselves (their shape, the sentence); stands before the conditions that a page sets.
  void setNote(const QString& note);
  // Emits readoutChanged and shows the text as a tooltip at the pointer.
  void setReadout(const QString& text);
  // Theme or text size changed; the base repaints.
  virtual void rethemed() {}

 private:
  QString m_title;
  QString m_note;
  QString m_conditions;
  QString m_emptyText;
  QString m_readout;
  FigureActions* m_actions;
};

}  // namespace espalier
