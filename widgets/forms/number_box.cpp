#include <QLocale>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

#include "widgets/forms/setting_editor.h"

namespace espalier {

namespace {
constexpr double kWidest = 1e15;
constexpr int kDecimals = 15;
}  // namespace

NumberBox::NumberBox(bool whole, QWidget* parent) : QDoubleSpinBox(parent), m_whole(whole) {
  setDecimals(whole ? 0 : kDecimals);
  setRange(-kWidest, kWidest);
  setLocale(QLocale::c());
  setFocusPolicy(Qt::StrongFocus);
  setAlignment(Qt::AlignRight);
  if (!whole) setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
}

void NumberBox::setStepRange(std::optional<double> minimum, std::optional<double> maximum) {
  m_stepMinimum = minimum;
  m_stepMaximum = maximum;
}

QString NumberBox::textFromValue(double value) const {
  return m_whole ? QString::number(value, 'f', 0) : QString::number(value, 'g', 8);
}

QString NumberBox::bare(const QString& text) const {
  QString number = text;
  if (number.startsWith(prefix())) number.remove(0, prefix().size());
  if (!suffix().isEmpty() && number.endsWith(suffix())) number.chop(suffix().size());
  return number.trimmed();
}

double NumberBox::valueFromText(const QString& text) const { return bare(text).toDouble(); }

QValidator::State NumberBox::validate(QString& text, int&) const {
  const QString trimmed = bare(text);
  bool ok = false;
  const double number = trimmed.toDouble(&ok);
  if (ok && std::isfinite(number) && (!m_whole || number == std::floor(number))) return QValidator::Acceptable;
  // The beginnings of a number: "", "-", "5e", "5e-".
  for (const QChar c : trimmed) {
    const bool partOfNumber =
        c.isDigit() || QStringLiteral("+-").contains(c) || (!m_whole && QStringLiteral(".eE").contains(c));
    if (!partOfNumber) return QValidator::Invalid;
  }
  return QValidator::Intermediate;
}

void NumberBox::stepBy(int steps) {
  const double before = value();
  QDoubleSpinBox::stepBy(steps);
  double after = value();
  if (m_stepMaximum && steps > 0 && after > *m_stepMaximum) after = std::max(before, *m_stepMaximum);
  if (m_stepMinimum && steps < 0 && after < *m_stepMinimum) after = std::min(before, *m_stepMinimum);
  if (after != value()) setValue(after);
}

QSize NumberBox::minimumSizeHint() const {
  // The widest value would ask for thirty digits.
  QSize size = QDoubleSpinBox::minimumSizeHint();
  size.setWidth(fontMetrics().horizontalAdvance(QStringLiteral("0000000000")) + 32);
  return size;
}

void NumberBox::wheelEvent(QWheelEvent* event) {
  if (hasFocus()) {
    QDoubleSpinBox::wheelEvent(event);
  } else {
    event->ignore();
  }
}

}  // namespace espalier
