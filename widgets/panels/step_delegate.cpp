#include "widgets/panels/step_delegate.h"

#include <QApplication>
#include <QPainter>

#include "widgets/models/recipe_steps_model.h"
#include "widgets/panels/icons.h"
#include "widgets/theme/theme.h"

namespace espalier {

void StepDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  QStyleOptionViewItem item = option;
  initStyleOption(&item, index);
  const QString title = QStringLiteral("%1  %2").arg(index.row() + 1).arg(item.text);
  item.text.clear();
  const QStyle* style = item.widget ? item.widget->style() : QApplication::style();
  // Ground, focus and check box by the style; the two lines by us.
  style->drawControl(QStyle::CE_ItemViewItem, &item, painter, item.widget);
  const QRect check = style->subElementRect(QStyle::SE_ItemViewItemCheckIndicator, &item, item.widget);
  const ThemeColors& colors = Theme::instance().colors();
  const bool on = index.data(Qt::CheckStateRole).toInt() == Qt::Checked;
  const int issues = index.data(RecipeStepsModel::IssueCountRole).toInt();
  QRect area = option.rect.adjusted(0, kGrid / 2, -kGrid / 2, -kGrid / 2);
  area.setLeft(check.right() + kGrid);

  painter->save();
  if (issues > 0) {
    const int side = 2 * kGrid;
    themedIcon(IconKind::Warning).paint(painter, QRect(area.right() - side, area.center().y() - side / 2, side, side));
    area.setRight(area.right() - side - kGrid / 2);
  }
  const QFontMetrics body(option.font);
  painter->setFont(option.font);
  painter->setPen(on ? colors.text : colors.disabledText);
  painter->drawText(area, Qt::AlignTop | Qt::AlignLeft, body.elidedText(title, Qt::ElideRight, area.width()));
  const QFont small = Theme::instance().secondaryFont();
  const QString summary = index.data(RecipeStepsModel::SummaryRole).toString();
  painter->setFont(small);
  painter->setPen(on ? colors.secondaryText : colors.disabledText);
  painter->drawText(
      area, Qt::AlignBottom | Qt::AlignLeft,
      QFontMetrics(small).elidedText(summary.isEmpty() ? tr("defaults") : summary, Qt::ElideRight, area.width()));
  painter->restore();
}

QSize StepDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex&) const {
  const int lines = QFontMetrics(option.font).height() + QFontMetrics(Theme::instance().secondaryFont()).height();
  return {20 * kGrid, lines + kGrid + 2};
}

}  // namespace espalier
