#include "widgets/models/sentence_model.h"

#include "widgets/models/job_center.h"
#include "widgets/models/selection.h"

namespace espalier {

namespace {
constexpr qint64 kPage = 64;
}

SentenceModel::SentenceModel(JobCenter* jobs, Selection* selection, QObject* parent)
    : QObject(parent), m_jobs(jobs), m_selection(selection) {
  // Back, forward and any view that selects an example.
  connect(selection, &Selection::changed, this, [this](const SelectionState& now) {
    if (now.example >= 0 && now.example != m_sentence.example && now.example != m_wanted) showExample(now.example);
  });
}

void SentenceModel::set(const Sentence& sentence) {
  if (sentence == m_sentence) return;
  m_sentence = sentence;
  if (sentence.example >= 0 && sentence.example != m_selection->state().example) {
    m_selection->selectExample(sentence.example);
  }
  Q_EMIT sentenceChanged();
}

void SentenceModel::setSource(const QString& task, const QString& split) {
  if (task == m_task && split == m_split) return;
  m_task = task;
  m_split = split;
  m_known.clear();
  m_labels.clear();
  m_total = -1;
  m_problem.clear();
  m_wanted = -1;
  ++m_request;
  Q_EMIT sourceChanged();
  const bool typed = m_sentence.example < 0 && !m_sentence.text.isEmpty();
  if (typed) return;
  if (task.isEmpty()) {
    set({});
  } else {
    showExample(0);
  }
}

void SentenceModel::setTyped(const QString& text, const QString& pair) {
  Sentence sentence;
  sentence.text = text;
  sentence.pair = pair;
  sentence.hasPair = !pair.isEmpty();
  m_wanted = -1;
  set(sentence);
}

void SentenceModel::showExample(qint64 example) {
  if (m_task.isEmpty() || example < 0 || (m_total >= 0 && example >= m_total)) return;
  const auto known = m_known.find(example);
  if (known != m_known.end()) {
    m_wanted = -1;
    set(known->second);
    return;
  }
  const bool waiting = m_wanted >= 0 && m_wanted / kPage == example / kPage;
  m_wanted = example;
  if (!waiting) ask(example / kPage * kPage);
}

void SentenceModel::ask(qint64 offset) {
  JobSpec spec;
  spec.kind = "examples";
  spec.settings = {
      {"task", m_task.toStdString()}, {"split", m_split.toStdString()}, {"offset", offset}, {"count", kPage}};
  const quint64 request = ++m_request;
  JobCallbacks callbacks;
  callbacks.done = [this, request, offset](const Json& answer) {
    if (request == m_request) takePage(offset, answer);
  };
  callbacks.failed = [this, request](const ErrorInfo& error) {
    if (request != m_request) return;
    m_wanted = -1;
    m_problem = QString::fromStdString(error.message);
    Q_EMIT sourceChanged();
  };
  m_jobs->start(spec, JobLane::Questions, tr("Read examples"), this, std::move(callbacks));
}

void SentenceModel::takePage(qint64 offset, const Json& answer) {
  try {
    m_labels.clear();
    for (const Json& label : json_get_or<Json>(answer, "labels", Json::array(), "examples")) {
      m_labels << QString::fromStdString(label.get<std::string>());
    }
    qint64 row = offset;
    for (const Json& item : json_get<Json>(answer, "examples", "examples")) {
      Sentence sentence;
      sentence.text = QString::fromStdString(json_get<std::string>(item, "text", "examples"));
      sentence.pair = QString::fromStdString(json_get_or<std::string>(item, "pair", "", "examples"));
      sentence.hasPair = !sentence.pair.isEmpty();
      sentence.label = json_get_or<int>(item, "label", -1, "examples");
      for (const Json& span : json_get_or<Json>(item, "evidence", Json::array(), "examples")) {
        sentence.evidence.emplace_back(span.at(0).get<int>(), span.at(1).get<int>());
      }
      sentence.example = row;
      m_known[row++] = std::move(sentence);
    }
    m_total = json_get_or<int64_t>(answer, "total", row, "examples");
    m_problem.clear();
  } catch (const Json::exception& error) {
    m_problem = tr("The examples came in another shape than expected: %1").arg(QLatin1String(error.what()));
  } catch (...) {
    m_problem = QString::fromStdString(current_error_info().message);
  }
  Q_EMIT sourceChanged();
  const qint64 wanted = m_wanted;
  m_wanted = -1;
  const auto known = m_known.find(wanted);
  if (known != m_known.end()) set(known->second);
}

}  // namespace espalier
