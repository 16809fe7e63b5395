#include <sstream>

#include "data/lab_words.h"

namespace espalier::lab {
namespace {

std::vector<std::string> split(const char* text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

}  // namespace

const std::vector<std::string>& everyday_words() {
  static const std::vector<std::string> kWords = split(R"(
    the of and to a in is it you that he was for on are with as i his they be at one have this from or had by hot but
    some what there we can out other were all your when up use how said an each she which do their time if will way
    about many then them would write like so these her long make thing see him two has look more day could go come did
    my no most who over know than call first people may down side been now find any new work part take get place made
    live where after back little only round man year came show every me give our under name through just form much
    think say help line turn cause mean before move right boy old too same tell does set three want air also play small
    end put home read hand port large spell add even land here must big high such follow act why ask men change went
    light kind off need house picture try us again animal point mother world near build self earth father head stand
    own page should country found answer school grow study still learn plant cover food sun four thought let keep eye
    never last door between city tree cross since hard start might story saw far sea draw left late run press close
    night real life few stop open seem together next white children begin got walk example ease paper often always
    music those both mark book letter until mile river car feet care second group carry took rain eat room friend
    began idea fish mountain north once base hear horse cut sure watch color face wood main enough plain girl usual
    young ready above ever red list though feel talk bird soon body dog family direct pose leave song measure state
    product black short numeral class wind question happen complete ship area half rock order fire south problem piece
    told knew pass farm top whole king size heard best hour better during hundred am remember step early hold west
    ground interest reach fast five sing listen six table travel less morning ten simple several toward war lay
    against pattern slow center love person money serve appear road map science rule govern pull cold notice voice
    fall power town fly unit lead cry dark machine note wait plan figure star box field rest correct able pound done
    beauty drive stood contain front teach week final gave green oh quick develop sleep warm free minute strong special
    mind behind clear tail produce fact street inch lot nothing course stay wheel full force blue object decide surface
    deep moon island foot yet busy test record boat common gold possible plane age dry wonder laugh thousand ago ran
    check game shape yes miss brought heat snow bed bring sit perhaps fill east weight language among
    nor nobody none nowhere cannot hardly barely scarcely however although despite without because while instead rather
    quite pretty almost maybe actually honestly simply completely totally worse worst best favorite happy sad angry
    recommend expect expected hoped promised thought found called felt looked seemed turned says think believe doubt
    claim true wrong worth waste money price cheap expensive value quality customer return again twice tonight today
    yesterday tomorrow month summer winter restaurant bar hotel film movie phone battery screen actor actress director
    waiter chef staff guest visit night day evening t s m d re ve ll don didn doesn wasn weren isn aren won wouldn couldn
    shouldn haven hasn hadn ain
    don't zero one's ok okay hello thanks please sorry yeah
    monday tuesday wednesday thursday friday saturday sunday
    anything something everything everyone someone means reason according based between considering looking due respect
    say said call called expect told had been heard words hours tries nights second third fourth fifth)");
  return kWords;
}

const std::vector<std::string>& word_pieces() {
  static const std::vector<std::string> kPieces = split(R"(
    ed ing er est ly ness ment ful less able ible al ial ic ical ish ive ous tion sion ation ity ty cy ry y en ify ize
    ise ist ism or ar age ance ence ant ent dom hood ship ward wise like es ies ied in on an at it is as us un re de
    th he nd st nt nk ng ch sh ck ll ss tt ff pp rr oo ee ea ou ow ai ay oi oy au aw ie ei ue ui oa om em im am um
    ab ad ag ap av ax eb ec ef eg el ep et ev ex ib id ig il ip ir iv ob oc od of og ol op os ot ov ox ub uc ud ug ul
    up ur ut ba be bi bo bu ca ce ci co cu da di do du fa fe fi fo fu ga ge gi go gu ha hi ho hu ja jo ju ka ke ki ko
    la le li lo lu ma me mi mo mu na ne ni no nu pa pe pi po pu qu ra ri ro ru sa se si so su ta te ti to tu va ve vi
    vo wa we wi wo ya ye yo za ze zi zo bl br cl cr dr fl fr gl gr pl pr sc sk sl sm sn sp sw tr tw wh wr str spr)");
  return kPieces;
}

}  // namespace espalier::lab
