#pragma once
// A figure is what a chart becomes outside the window: a picture with title, units and conditions, or its data as CSV.

#include <QByteArray>
#include <QImage>
#include <QObject>
#include <QPainter>
#include <QSize>
#include <QString>

#include "widgets/theme/theme.h"

class QAction;
class QMenu;
class QWidget;

namespace espalier {

class Figure {
 public:
  virtual ~Figure() = default;
  virtual QString figureTitle() const = 0;
  // One line under the picture: model, task, seed, machine, units.
  virtual QString figureConditions() const = 0;
  // Size of the drawing alone, in device independent pixels.
  virtual QSize figureSize() const = 0;
  // Draws into `area` (top left may be anywhere) in the given colours. Must not depend on hover.
  virtual void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const = 0;
  // The data, first line the column names, comma separated, quoted as in RFC 4180.
  virtual QString figureCsv() const = 0;
};

// Title, drawing, conditions. Pictures are light whatever the window's theme is: they go into documents.
QImage renderImage(const Figure& figure, double scale = 2);
QByteArray renderSvg(const Figure& figure);
// One page of the picture's size, drawn with lines and text.
QByteArray renderPdf(const Figure& figure);

// One CSV line, quoted where needed, with its end.
QString csvLine(const QStringList& fields);

// Gives a widget the figure actions: copy, PNG (Ctrl+Shift+E), SVG (Ctrl+Alt+E), PDF, CSV. They show in the widget's
// context menu, work while it or a child has the focus, and belong to the widget.
class FigureActions : public QObject {
  Q_OBJECT

 public:
  FigureActions(QWidget* widget, const Figure* figure);

  // Adds the actions to a menu of the caller's.
  void addTo(QMenu* menu) const;

  // The same without a file dialog, done when they return. False, with `error`, when the file cannot be written.
  bool savePng(const QString& path, QString* error = nullptr) const;
  bool saveSvg(const QString& path, QString* error = nullptr) const;
  bool savePdf(const QString& path, QString* error = nullptr) const;
  bool saveCsv(const QString& path, QString* error = nullptr) const;
  void copyPicture() const;
  void copyData() const;

 Q_SIGNALS:
  // A sentence: "Saved /home/ada/heads.png." or why not.
  void reported(const QString& sentence, bool failed);

 private:
  void askAndSave(const QString& suffix, const QString& filter);

  QWidget* m_widget;
  const Figure* m_figure;
  QList<QAction*> m_actions;
  static QString s_folder;  // where the last figure was saved
};

}  // namespace espalier
