#pragma once
#include <QElapsedTimer>
#include <QObject>
#include <QString>

namespace espalier {

class MainWindow;

// Measures a start: from the process's beginning to the first paint and to the heat map of one weight. Prints one line
// of JSON and quits.
class StartupProbe : public QObject {
  Q_OBJECT

 public:
  StartupProbe(MainWindow* window, QString slot);

 protected:
  bool eventFilter(QObject* object, QEvent* event) override;

 private:
  void report();

  MainWindow* m_window;
  QString m_slot;
  double m_firstPaintMs = -1;
  double m_modelMs = -1;
  double m_heatMapMs = -1;
};

// Milliseconds since the kernel started this process; a resolution of 10 ms.
double millisecondsSinceProcessStart();

}  // namespace espalier
