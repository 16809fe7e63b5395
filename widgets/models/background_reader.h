#pragma once
// Reads on a thread for one owner. Only the latest request counts: starting another cancels the one before, and an
// answer that comes late is dropped.

#include <QCoreApplication>
#include <QObject>
#include <QPointer>
#include <QThreadPool>

#include <functional>
#include <memory>

#include "base/cancel.h"
#include "base/error.h"
#include "base/mapped_memory.h"

namespace espalier {

class BackgroundReader : public QObject {
  Q_OBJECT

 public:
  explicit BackgroundReader(QObject* parent = nullptr) : QObject(parent) {}
  ~BackgroundReader() override { m_token.cancel(); }

  // Runs `work` on a pool thread, then `done` with its value or `failed` with its error on this object's thread, unless
  // another start() or cancel() came between. `work` must not touch widgets.
  template <typename T>
  void start(std::function<T(const CancelToken&)> work, std::function<void(std::shared_ptr<T>)> done,
             std::function<void(const ErrorInfo&)> failed) {
    const quint64 request = begin();
    const CancelToken token = m_token;
    QThreadPool::globalInstance()->start([this_guard = QPointer<BackgroundReader>(this), request, token,
                                          work = std::move(work), done = std::move(done), failed = std::move(failed)] {
      std::shared_ptr<T> value;
      ErrorInfo error;
      bool stopped = false;
      try {
        const auto read = std::make_shared<T>(work(token));
        require_mapped_files_whole();
        value = read;
      } catch (const Cancelled&) {
        stopped = true;
      } catch (...) {
        error = current_error_info();
      }
      post([this_guard, request, value, error, stopped, done, failed] {
        if (!this_guard || !this_guard->finish(request) || stopped) return;
        if (value) {
          done(value);
        } else {
          failed(error);
        }
      });
    });
  }

  // Drops what is under way.
  void cancel();
  bool isBusy() const { return m_busy; }

 Q_SIGNALS:
  void busyChanged(bool busy);

 private:
  quint64 begin();
  // True when `request` is still the latest.
  bool finish(quint64 request);
  static void post(std::function<void()> action);

  quint64 m_request = 0;
  CancelToken m_token;
  bool m_busy = false;
};

}  // namespace espalier
