#include "widgets/models/background_reader.h"

namespace espalier {

quint64 BackgroundReader::begin() {
  m_token.cancel();
  m_token = CancelToken();
  ++m_request;
  if (!m_busy) {
    m_busy = true;
    Q_EMIT busyChanged(true);
  }
  return m_request;
}

bool BackgroundReader::finish(quint64 request) {
  if (request != m_request || !m_busy) return false;
  m_busy = false;
  Q_EMIT busyChanged(false);
  return true;
}

void BackgroundReader::cancel() {
  m_token.cancel();
  ++m_request;
  if (m_busy) {
    m_busy = false;
    Q_EMIT busyChanged(false);
  }
}

void BackgroundReader::post(std::function<void()> action) {
  // Through the application object: the reader itself may be gone when its thread has finished.
  QCoreApplication* application = QCoreApplication::instance();
  if (application) QMetaObject::invokeMethod(application, std::move(action), Qt::QueuedConnection);
}

}  // namespace espalier
