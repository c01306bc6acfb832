"""Countries: from the codes and names that providers write to ISO 3166-1 alpha-2.

Data only. Source: ISO 3166-1 with the English names of ISO and of the Unicode CLDR; `XK` is the
code in general use for Kosovo. Names are written as `_plain` leaves them.
"""

from __future__ import annotations

import functools
import re
import unicodedata

__all__ = ["country_code"]

_LONGEST = 100
_OTHERS = re.compile(r"[^a-z0-9]+")
_ARTICLES = re.compile(r"\bthe\b")
_SAINT = re.compile(r"\b(?:st|saint)\b")


@functools.lru_cache(maxsize=1_000)
def country_code(value: str) -> str | None:
    """Return the two-letter code of a country, or None when there is no such country.

    Args:
        value: a code of two or three letters or an English name, in any case.

    Examples:
        >>> [country_code(value) for value in ("us", "DEU", "South Korea", "Atlantis")]
        ['US', 'DE', 'KR', None]
    """
    if len(value) > _LONGEST:
        return None
    upper = value.strip().upper()
    if upper in _CODES:
        return _CODES[upper]
    return _NAMES.get(_plain(value))


def _plain(name: str) -> str:
    """Return a name without accents, signs, articles and capitals."""
    letters = unicodedata.normalize("NFKD", name)
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = _OTHERS.sub(" ", letters.casefold().replace("&", " and "))
    return " ".join(_SAINT.sub("saint", _ARTICLES.sub(" ", words)).split())


_COUNTRIES = """\
AD AND andorra|principality of andorra
AE ARE uae|united arab emirates
AF AFG afghanistan|islamic republic of afghanistan
AG ATG antigua and barbuda
AI AIA anguilla
AL ALB albania|republic of albania
AM ARM armenia|republic of armenia
AO AGO angola|republic of angola
AQ ATA antarctica
AR ARG argentina|argentine republic
AS ASM american samoa
AT AUT austria|republic of austria
AU AUS australia
AW ABW aruba
AX ALA aland islands
AZ AZE azerbaijan|republic of azerbaijan
BA BIH bosnia and herzegovina|republic of bosnia and herzegovina
BB BRB barbados
BD BGD bangladesh|people s republic of bangladesh
BE BEL belgium|kingdom of belgium
BF BFA burkina faso
BG BGR bulgaria|republic of bulgaria
BH BHR bahrain|kingdom of bahrain
BI BDI burundi|republic of burundi
BJ BEN benin|republic of benin
BL BLM saint barthelemy
BM BMU bermuda
BN BRN brunei|brunei darussalam
BO BOL bolivia|bolivia plurinational state of|plurinational state of bolivia
BQ BES caribbean netherlands|bonaire sint eustatius and saba
BR BRA brazil|federative republic of brazil
BS BHS bahamas|commonwealth of bahamas
BT BTN bhutan|kingdom of bhutan
BV BVT bouvet island
BW BWA botswana|republic of botswana
BY BLR belarus|republic of belarus
BZ BLZ belize
CA CAN canada
CC CCK cocos islands|cocos keeling islands
CD COD dr congo|congo kinshasa|congo democratic republic|democratic republic of congo
CF CAF central african republic
CG COG congo|congo republic|congo brazzaville|republic of congo
CH CHE switzerland|swiss confederation
CI CIV ivory coast|cote d ivoire|republic of cote d ivoire
CK COK cook islands
CL CHL chile|republic of chile
CM CMR cameroon|republic of cameroon
CN CHN china|people s republic of china
CO COL colombia|republic of colombia
CR CRI costa rica|republic of costa rica
CU CUB cuba|republic of cuba
CV CPV cabo verde|cape verde|republic of cabo verde
CW CUW curacao
CX CXR christmas island
CY CYP cyprus|republic of cyprus
CZ CZE czechia|czech republic
DE DEU germany|federal republic of germany
DJ DJI djibouti|republic of djibouti
DK DNK denmark|kingdom of denmark
DM DMA dominica|commonwealth of dominica
DO DOM dominican republic
DZ DZA algeria|people s democratic republic of algeria
EC ECU ecuador|republic of ecuador
EE EST estonia|republic of estonia
EG EGY egypt|arab republic of egypt
EH ESH western sahara
ER ERI eritrea|state of eritrea
ES ESP spain|kingdom of spain
ET ETH ethiopia|federal democratic republic of ethiopia
FI FIN finland|republic of finland
FJ FJI fiji|republic of fiji
FK FLK falkland islands|falkland islands malvinas
FM FSM micronesia|federated states of micronesia|micronesia federated states of
FO FRO faroe islands
FR FRA france|french republic
GA GAB gabon|gabonese republic
GB GBR uk|wales|england|scotland|great britain|united kingdom|northern ireland
GD GRD grenada
GE GEO georgia
GF GUF french guiana
GG GGY guernsey
GH GHA ghana|republic of ghana
GI GIB gibraltar
GL GRL greenland
GM GMB gambia|republic of gambia
GN GIN guinea|republic of guinea
GP GLP guadeloupe
GQ GNQ equatorial guinea|republic of equatorial guinea
GR GRC greece|hellenic republic
GS SGS south georgia and south sandwich islands
GT GTM guatemala|republic of guatemala
GU GUM guam
GW GNB guinea bissau|republic of guinea bissau
GY GUY guyana|republic of guyana
HK HKG hong kong|hong kong sar china|hong kong special administrative region of china
HM HMD heard island and mcdonald islands
HN HND honduras|republic of honduras
HR HRV croatia|republic of croatia
HT HTI haiti|republic of haiti
HU HUN hungary
ID IDN indonesia|republic of indonesia
IE IRL ireland
IL ISR israel|state of israel
IM IMN isle of man
IN IND india|republic of india
IO IOT british indian ocean territory
IQ IRQ iraq|republic of iraq
IR IRN iran|iran islamic republic of|islamic republic of iran
IS ISL iceland|republic of iceland
IT ITA italy|italian republic
JE JEY jersey
JM JAM jamaica
JO JOR jordan|hashemite kingdom of jordan
JP JPN japan
KE KEN kenya|republic of kenya
KG KGZ kyrgyzstan|kyrgyz republic
KH KHM cambodia|kingdom of cambodia
KI KIR kiribati|republic of kiribati
KM COM comoros|union of comoros
KN KNA saint kitts and nevis
KP PRK north korea|democratic people s republic of korea|korea democratic people s republic of
KR KOR korea|south korea|korea republic of
KW KWT kuwait|state of kuwait
KY CYM cayman islands
KZ KAZ kazakhstan|republic of kazakhstan
LA LAO laos|lao people s democratic republic
LB LBN lebanon|lebanese republic
LC LCA saint lucia
LI LIE liechtenstein|principality of liechtenstein
LK LKA sri lanka|democratic socialist republic of sri lanka
LR LBR liberia|republic of liberia
LS LSO lesotho|kingdom of lesotho
LT LTU lithuania|republic of lithuania
LU LUX luxembourg|grand duchy of luxembourg
LV LVA latvia|republic of latvia
LY LBY libya
MA MAR morocco|kingdom of morocco
MC MCO monaco|principality of monaco
MD MDA moldova|moldova republic of|republic of moldova
ME MNE montenegro
MF MAF saint martin|saint martin french part
MG MDG madagascar|republic of madagascar
MH MHL marshall islands|republic of marshall islands
MK MKD macedonia|north macedonia|republic of north macedonia
ML MLI mali|republic of mali
MM MMR burma|myanmar|myanmar burma|republic of myanmar
MN MNG mongolia
MO MAC macao|macau|macao sar china|macao special administrative region of china
MP MNP northern mariana islands|commonwealth of northern mariana islands
MQ MTQ martinique
MR MRT mauritania|islamic republic of mauritania
MS MSR montserrat
MT MLT malta|republic of malta
MU MUS mauritius|republic of mauritius
MV MDV maldives|republic of maldives
MW MWI malawi|republic of malawi
MX MEX mexico|united mexican states
MY MYS malaysia
MZ MOZ mozambique|republic of mozambique
NA NAM namibia|republic of namibia
NC NCL new caledonia
NE NER niger|republic of niger
NF NFK norfolk island
NG NGA nigeria|federal republic of nigeria
NI NIC nicaragua|republic of nicaragua
NL NLD holland|netherlands|kingdom of netherlands
NO NOR norway|kingdom of norway
NP NPL nepal|federal democratic republic of nepal
NR NRU nauru|republic of nauru
NU NIU niue
NZ NZL new zealand
OM OMN oman|sultanate of oman
PA PAN panama|republic of panama
PE PER peru|republic of peru
PF PYF french polynesia
PG PNG papua new guinea|independent state of papua new guinea
PH PHL philippines|republic of philippines
PK PAK pakistan|islamic republic of pakistan
PL POL poland|republic of poland
PM SPM saint pierre and miquelon
PN PCN pitcairn|pitcairn islands
PR PRI puerto rico
PS PSE palestine|palestine state of|state of palestine|palestinian territories
PT PRT portugal|portuguese republic
PW PLW palau|republic of palau
PY PRY paraguay|republic of paraguay
QA QAT qatar|state of qatar
RE REU reunion
RO ROU romania
RS SRB serbia|republic of serbia
RU RUS russia|russian federation
RW RWA rwanda|rwandese republic
SA SAU saudi arabia|kingdom of saudi arabia
SB SLB solomon islands
SC SYC seychelles|republic of seychelles
SD SDN sudan|republic of sudan
SE SWE sweden|kingdom of sweden
SG SGP singapore|republic of singapore
SH SHN saint helena ascension and tristan da cunha
SI SVN slovenia|republic of slovenia
SJ SJM svalbard and jan mayen
SK SVK slovakia|slovak republic
SL SLE sierra leone|republic of sierra leone
SM SMR san marino|republic of san marino
SN SEN senegal|republic of senegal
SO SOM somalia|federal republic of somalia
SR SUR suriname|republic of suriname
SS SSD south sudan|republic of south sudan
ST STP sao tome and principe|democratic republic of sao tome and principe
SV SLV el salvador|republic of el salvador
SX SXM sint maarten|sint maarten dutch part
SY SYR syria|syrian arab republic
SZ SWZ eswatini|swaziland|kingdom of eswatini
TC TCA turks and caicos islands
TD TCD chad|republic of chad
TF ATF french southern territories|french southern and antarctic lands
TG TGO togo|togolese republic
TH THA thailand|kingdom of thailand
TJ TJK tajikistan|republic of tajikistan
TK TKL tokelau
TL TLS east timor|timor leste|democratic republic of timor leste
TM TKM turkmenistan
TN TUN tunisia|republic of tunisia
TO TON tonga|kingdom of tonga
TR TUR turkey|turkiye|republic of turkiye
TT TTO trinidad and tobago|republic of trinidad and tobago
TV TUV tuvalu
TW TWN taiwan|taiwan province of china
TZ TZA tanzania|tanzania united republic of|united republic of tanzania
UA UKR ukraine
UG UGA uganda|republic of uganda
UM UMI u s outlying islands|united states minor outlying islands
US USA usa|u s a|united states|united states of america
UY URY uruguay|eastern republic of uruguay
UZ UZB uzbekistan|republic of uzbekistan
VA VAT vatican|holy see|vatican city|holy see vatican city state
VC VCT saint vincent and grenadines
VE VEN venezuela|bolivarian republic of venezuela|venezuela bolivarian republic of
VG VGB british virgin islands|virgin islands british
VI VIR u s virgin islands|virgin islands u s|virgin islands of united states
VN VNM vietnam|viet nam|socialist republic of viet nam
VU VUT vanuatu|republic of vanuatu
WF WLF wallis and futuna
WS WSM samoa|independent state of samoa
XK XKX kosovo
YE YEM yemen|republic of yemen
YT MYT mayotte
ZA ZAF south africa|republic of south africa
ZM ZMB zambia|republic of zambia
ZW ZWE zimbabwe|republic of zimbabwe
"""

_ROWS = [line.split(" ", 2) for line in _COUNTRIES.splitlines()]
_CODES = {code: row[0] for row in _ROWS for code in row[:2]} | {"UK": "GB"}
_NAMES = {name: row[0] for row in _ROWS for name in row[2].split("|")}
