#include "app/workbench/startup_probe.h"

#include <QApplication>
#include <QEvent>
#include <QTimer>

#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "app/workbench/main_window.h"
#include "app/workbench/pages/weights_page.h"

namespace espalier {

namespace {

constexpr int kGiveUpMs = 60'000;

// The 22nd field of /proc/self/stat; the second may hold spaces, so fields are counted after its closing bracket.
double startTicks() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return std::stod(field);
}

// A line of /proc/self/status, which counts in kB: "VmRSS", all that is resident; "RssAnon", what no file stands
// behind.
int64_t statusBytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1)) * 1024;
  }
  return 0;
}

}  // namespace

double millisecondsSinceProcessStart() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  const double seconds = static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
  return (seconds - startTicks() / static_cast<double>(sysconf(_SC_CLK_TCK))) * 1000;
}

StartupProbe::StartupProbe(MainWindow* window, QString slot)
    : QObject(window), m_window(window), m_slot(std::move(slot)) {
  window->installEventFilter(this);
  auto* weights = qobject_cast<WeightsPage*>(window->page(QStringLiteral("weights")));
  connect(window->session(), &Session::modelChanged, this, [this] {
    m_modelMs = millisecondsSinceProcessStart();
    m_window->session()->selection()->selectSlot(m_slot, -1);
    m_window->showPage(QStringLiteral("weights"));
  });
  connect(window->session(), &Session::modelFailed, this, [](const QString&, const ErrorInfo& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    QApplication::exit(3);
  });
  connect(weights, &WeightsPage::heatMapShown, this, [this](const QString& shown) {
    if (shown != m_slot || m_heatMapMs >= 0) return;
    m_heatMapMs = millisecondsSinceProcessStart();
    report();
  });
  QTimer::singleShot(kGiveUpMs, this, [] {
    std::fprintf(stderr, "the heat map did not appear within a minute\n");
    QApplication::exit(3);
  });
}

bool StartupProbe::eventFilter(QObject* object, QEvent* event) {
  if (event->type() == QEvent::Paint && m_firstPaintMs < 0) {
    // After this event the pixels are there.
    m_firstPaintMs = 0;
    QTimer::singleShot(0, this, [this] { m_firstPaintMs = millisecondsSinceProcessStart(); });
  }
  return QObject::eventFilter(object, event);
}

void StartupProbe::report() {
  const Json json = {{"first_paint_ms", m_firstPaintMs},
                     {"model_open_ms", m_modelMs},
                     {"heat_map_ms", m_heatMapMs},
                     {"resident_bytes", statusBytes("VmRSS")},
                     {"anonymous_bytes", statusBytes("RssAnon")}};
  std::printf("%s\n", json.dump().c_str());
  std::fflush(stdout);
  QApplication::exit(0);
}

}  // namespace espalier
