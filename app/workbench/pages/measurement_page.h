#pragma once
#include <functional>

#include "app/workbench/pages/page.h"

namespace espalier {

// A page that shows what one measurement at a time finds: it starts it, cancels it, and forgets it when another model
// or task is opened. What a measurement that was forgotten still says is not heard.
class MeasurementPage : public Page {
  Q_OBJECT

 public:
  using Page::Page;

 protected:
  // What becomes of the measurement; what reads them may throw, which is shown as an error of the page.
  struct Hearers {
    std::function<void(const Json& piece)> piece;  // as it is measured; may be empty
    std::function<void(const Json& answer)> answer;
  };
  // Shows what there is, or what can be done.
  virtual void refresh() = 0;
  // Begins the measurement with the choices of the page; what an error offers to try again.
  virtual void measure() = 0;

  // Not while one is being measured.
  void start(const JobSpec& spec, const QString& title, Hearers hearers);
  bool isMeasuring() const { return m_job != 0; }
  // For a button that is both.
  void measureOrCancel();
  // Cancels, and hears no more of it.
  void forgetMeasurement();

 private:
  void hear(const std::function<void(const Json&)>& hearer, const Json& json);

  quint64 m_job = 0;
  quint64 m_generation = 0;
};

}  // namespace espalier
