"""Countries as people and systems write them: codes, English names, and the names that others use."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from anyascii import anyascii

_NO_LETTER = re.compile(r"[^a-z]+")


@lru_cache(maxsize=2_000)
def country_code(text: str) -> str:
    """The ISO 3166 code of 'Germany', 'DEU', 'Deutschland' or 'de'; empty if it is none that is known."""
    return _codes().get(_plain(text), "")


def _plain(text: str) -> str:
    return _NO_LETTER.sub("", anyascii(text).lower())


@cache
def _codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    for line in COUNTRIES.strip().splitlines():
        code, longer, names = line.split(" ", 2)
        codes.update(dict.fromkeys((_plain(name) for name in (code, longer, *names.split("; "))), code))
    return codes


COUNTRIES = """
AD AND Andorra
AE ARE United Arab Emirates; UAE; U.A.E.; Emirates; الإمارات; Dubai; Abu Dhabi
AF AFG Afghanistan
AG ATG Antigua and Barbuda
AI AIA Anguilla
AL ALB Albania
AM ARM Armenia
AO AGO Angola
AQ ATA Antarctica
AR ARG Argentina; Argentinien
AS ASM American Samoa
AT AUT Austria; Österreich; Oesterreich; Autriche; Oostenrijk
AU AUS Australia; Australien; Australie
AW ABW Aruba
AX ALA Åland Islands
AZ AZE Azerbaijan
BA BIH Bosnia and Herzegovina
BB BRB Barbados
BD BGD Bangladesh
BE BEL Belgium; België; Belgique; Belgien; Bélgica; Belgio
BF BFA Burkina Faso
BG BGR Bulgaria; България; Bulgarien
BH BHR Bahrain
BI BDI Burundi
BJ BEN Benin
BL BLM Saint Barthélemy
BM BMU Bermuda
BN BRN Brunei Darussalam; Brunei
BO BOL Bolivia
BQ BES Bonaire
BR BRA Brazil; Brasil; Brasilien; Brésil
BS BHS Bahamas
BT BTN Bhutan
BV BVT Bouvet Island
BW BWA Botswana
BY BLR Belarus; Беларусь
BZ BLZ Belize
CA CAN Canada; Kanada; Canadá
CC CCK Cocos (Keeling) Islands
CD COD DR Congo; Congo-Kinshasa
CF CAF Central African Republic
CG COG Congo; Congo-Brazzaville
CH CHE Switzerland; Schweiz; Suisse; Svizzera; Suiza; Zwitserland
CI CIV Côte d'Ivoire; Ivory Coast
CK COK Cook Islands
CL CHL Chile
CM CMR Cameroon
CN CHN China; 中国; PRC; P.R. China; People's Republic of China; Chine; Mainland China
CO COL Colombia
CR CRI Costa Rica
CU CUB Cuba
CV CPV Cabo Verde; Cape Verde
CW CUW Curaçao
CX CXR Christmas Island
CY CYP Cyprus; Κύπρος; Zypern
CZ CZE Czechia; Czech Republic; Česko; Česká republika; Tschechien; République tchèque
DE DEU Germany; Deutschland; Allemagne; Alemania; Germania; Alemanha; Duitsland; Tyskland; Niemcy; ドイツ; 德国
DJ DJI Djibouti
DK DNK Denmark; Danmark; Dänemark; Danemark; Dinamarca
DM DMA Dominica
DO DOM Dominican Republic
DZ DZA Algeria; Algérie
EC ECU Ecuador
EE EST Estonia; Eesti; Estland
EG EGY Egypt; Ägypten; Egipto
EH ESH Western Sahara
ER ERI Eritrea
ES ESP Spain; España; Spanien; Espagne; Spagna; Espanha; Spanje
ET ETH Ethiopia
FI FIN Finland; Suomi; Finnland; Finlande; Finlandia
FJ FJI Fiji
FK FLK Falkland Islands (Malvinas); Falkland Islands
FM FSM Micronesia
FO FRO Faroe Islands
FR FRA France; Frankreich; Francia; França; Frankrijk; Frankrig
GA GAB Gabon
GB GBR United Kingdom; UK; Great Britain; England; Scotland; Wales; Northern Ireland; Britain; Royaume-Uni; Reino Unido
GD GRD Grenada
GE GEO Georgia
GF GUF French Guiana
GG GGY Guernsey
GH GHA Ghana
GI GIB Gibraltar
GL GRL Greenland
GM GMB Gambia
GN GIN Guinea
GP GLP Guadeloupe
GQ GNQ Equatorial Guinea
GR GRC Greece; Hellas; Ελλάδα; Griechenland; Grèce; EL
GS SGS South Georgia and the South Sandwich Islands
GT GTM Guatemala
GU GUM Guam
GW GNB Guinea-Bissau
GY GUY Guyana
HK HKG Hong Kong; 香港; Hong Kong SAR; Hongkong
HM HMD Heard Island and McDonald Islands
HN HND Honduras
HR HRV Croatia; Hrvatska; Kroatien
HT HTI Haiti
HU HUN Hungary; Magyarország; Ungarn; Hongrie
ID IDN Indonesia; Indonesien
IE IRL Ireland; Republic of Ireland; Éire; Irland; Irlande; Irlanda
IL ISR Israel; ישראל
IM IMN Isle of Man
IN IND India; Bharat; भारत; Indien; Inde
IO IOT British Indian Ocean Territory
IQ IRQ Iraq
IR IRN Iran
IS ISL Iceland; Ísland; Island
IT ITA Italy; Italia; Italien; Italie; Italië
JE JEY Jersey
JM JAM Jamaica
JO JOR Jordan
JP JPN Japan; 日本; Nippon; Japon; Giappone
KE KEN Kenya
KG KGZ Kyrgyzstan
KH KHM Cambodia
KI KIR Kiribati
KM COM Comoros
KN KNA Saint Kitts and Nevis
KP PRK North Korea
KR KOR South Korea; Korea; Republic of Korea; 대한민국; 한국; Corea del Sur; Südkorea
KW KWT Kuwait
KY CYM Cayman Islands
KZ KAZ Kazakhstan; Қазақстан; Казахстан
LA LAO Lao People's Democratic Republic; Laos
LB LBN Lebanon
LC LCA Saint Lucia
LI LIE Liechtenstein
LK LKA Sri Lanka
LR LBR Liberia
LS LSO Lesotho
LT LTU Lithuania; Lietuva; Litauen
LU LUX Luxembourg; Luxemburg
LV LVA Latvia; Latvija; Lettland
LY LBY Libya
MA MAR Morocco; Maroc; Marokko; المغرب
MC MCO Monaco
MD MDA Moldova
ME MNE Montenegro
MF MAF Saint Martin (French part)
MG MDG Madagascar
MH MHL Marshall Islands
MK MKD North Macedonia; Macedonia
ML MLI Mali
MM MMR Myanmar; Burma
MN MNG Mongolia
MO MAC Macao
MP MNP Northern Mariana Islands
MQ MTQ Martinique
MR MRT Mauritania
MS MSR Montserrat
MT MLT Malta
MU MUS Mauritius
MV MDV Maldives
MW MWI Malawi
MX MEX Mexico; México; Mexiko; Mexique
MY MYS Malaysia
MZ MOZ Mozambique
NA NAM Namibia
NC NCL New Caledonia
NE NER Niger
NF NFK Norfolk Island
NG NGA Nigeria
NI NIC Nicaragua
NL NLD Netherlands; Nederland; The Netherlands; Holland; Niederlande; Pays-Bas; Países Bajos; Paesi Bassi
NO NOR Norway; Norge; Norwegen; Norvège; Noruega
NP NPL Nepal
NR NRU Nauru
NU NIU Niue
NZ NZL New Zealand; Aotearoa
OM OMN Oman
PA PAN Panama
PE PER Peru; Perú
PF PYF French Polynesia
PG PNG Papua New Guinea
PH PHL Philippines; Philippinen; Pilipinas; The Philippines
PK PAK Pakistan
PL POL Poland; Polska; Polen; Pologne; Polonia
PM SPM Saint Pierre and Miquelon
PN PCN Pitcairn
PR PRI Puerto Rico
PS PSE Palestine
PT PRT Portugal
PW PLW Palau
PY PRY Paraguay
QA QAT Qatar
RE REU Réunion
RO ROU Romania; România; Rumänien; Roumanie
RS SRB Serbia; Srbija; Србија; Serbien
RU RUS Russian Federation; Russia; Россия; Russland; Russie; Российская Федерация
RW RWA Rwanda
SA SAU Saudi Arabia; KSA; Kingdom of Saudi Arabia; السعودية; المملكة العربية السعودية; Saudi-Arabien
SB SLB Solomon Islands
SC SYC Seychelles
SD SDN Sudan
SE SWE Sweden; Sverige; Schweden; Suède; Suecia
SG SGP Singapore; Singapur; Singapour
SH SHN Saint Helena
SI SVN Slovenia; Slovenija; Slowenien
SJ SJM Svalbard and Jan Mayen
SK SVK Slovakia; Slovensko; Slowakei; Slovak Republic
SL SLE Sierra Leone
SM SMR San Marino
SN SEN Senegal
SO SOM Somalia
SR SUR Suriname
SS SSD South Sudan
ST STP Sao Tome and Principe
SV SLV El Salvador
SX SXM Sint Maarten (Dutch part)
SY SYR Syrian Arab Republic; Syria
SZ SWZ Eswatini; Swaziland
TC TCA Turks and Caicos Islands
TD TCD Chad
TF ATF French Southern Territories
TG TGO Togo
TH THA Thailand; ประเทศไทย; ไทย
TJ TJK Tajikistan
TK TKL Tokelau
TL TLS Timor-Leste
TM TKM Turkmenistan
TN TUN Tunisia; Tunisie
TO TON Tonga
TR TUR Türkiye; Turkey; Türkei; Turquie
TT TTO Trinidad and Tobago
TV TUV Tuvalu
TW TWN Taiwan; 台灣; 台湾
TZ TZA Tanzania
UA UKR Ukraine; Україна; Украина
UG UGA Uganda
UM UMI United States Minor Outlying Islands
US USA United States; USA; U.S.; United States of America; America; Estados Unidos; Etats-Unis
UY URY Uruguay
UZ UZB Uzbekistan
VA VAT Holy See (Vatican City State); Vatican
VC VCT Saint Vincent and the Grenadines
VE VEN Venezuela
VG VGB British Virgin Islands; BVI
VI VIR US Virgin Islands
VN VNM Viet Nam; Vietnam; Việt Nam
VU VUT Vanuatu
WF WLF Wallis and Futuna
WS WSM Samoa
XK XKX Kosovo; Kosova
YE YEM Yemen
YT MYT Mayotte
ZA ZAF South Africa; RSA; Südafrika
ZM ZMB Zambia
ZW ZWE Zimbabwe
"""
