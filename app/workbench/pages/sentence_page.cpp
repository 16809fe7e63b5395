#include "app/workbench/pages/sentence_page.h"

#include <QVBoxLayout>

#include "widgets/panels/sentence_bar.h"

namespace espalier {

SentencePage::SentencePage(Session* session, const QString& name, const QString& title, std::vector<Question> questions,
                           Sayings sayings, QWidget* parent)
    : Page(session, name, title, parent), m_questions(std::move(questions)), m_sayings(std::move(sayings)) {
  auto* content = new QWidget(this);
  m_layout = new QVBoxLayout(content);
  m_layout->setContentsMargins(2 * kGrid, kGrid, 2 * kGrid, kGrid);
  m_layout->setSpacing(kGrid);
  m_sentence = new SentenceBar(session->sentence(), content);
  m_layout->addWidget(m_sentence);
  setContent(content);

  connect(session->sentence(), &SentenceModel::sentenceChanged, this, &SentencePage::invalidate);
  connect(m_sentence, &SentenceBar::submitted, this, [this] {
    if (!m_current) ask();
  });
  connect(session, &Session::modelOpening, this, &SentencePage::showModelMissing);
  connect(session, &Session::modelFailed, this, &SentencePage::showModelMissing);
  connect(session, &Session::modelChanged, this, [this] {
    forgetModel();
    invalidate();
  });
  showModelMissing();
}

void SentencePage::activate() {
  if (showNothing()) return;
  showContent();
  if (!m_current) ask();
}

void SentencePage::invalidate() {
  m_current = false;
  if (isVisible()) activate();
}

void SentencePage::ask() {
  if (!session()->model() || session()->sentence()->sentence().text.trimmed().isEmpty()) return;
  m_current = true;
  ++m_request;
  // Nobody waits for the answers about the sentence before.
  for (const quint64 job : m_jobs) session()->jobs()->cancel(job);
  m_jobs.clear();
  asking();
  setEmptyText(m_sayings.asking);
  for (size_t question = 0; question < m_questions.size(); ++question) {
    if (m_questions[question].atOnce) askOne(question);
  }
}

void SentencePage::askOne(size_t question) {
  const Sentence& sentence = session()->sentence()->sentence();
  JobSpec spec = session()->jobSpec(m_questions[question].kind);
  spec.settings["text"] = sentence.text.toStdString();
  if (sentence.hasPair) spec.settings["pair"] = sentence.pair.toStdString();
  if (!fillJob(question, spec)) return;
  JobCallbacks callbacks;
  callbacks.done = [this, question, request = m_request](const Json& answer) {
    if (request == m_request) take(question, answer);
  };
  callbacks.failed = [this, request = m_request](const ErrorInfo& error) {
    if (request != m_request) return;
    m_current = false;
    setEmptyText(m_sayings.none);
    showAskError(error);
  };
  m_jobs.push_back(
      session()->jobs()->start(spec, JobLane::Questions, m_questions[question].title, this, std::move(callbacks)));
}

void SentencePage::showAskError(const ErrorInfo& error) {
  showError(error, tr("Try again"), [this] { ask(); });
}

}  // namespace espalier
