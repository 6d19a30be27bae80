"""Names for seeded rows. All companies and people are invented."""

from __future__ import annotations

from .parties import NewCustomer, NewPerson

_INDUSTRIES = {
    "man": ("MANUFACTURING", "Manufacturing"),
    "ret": ("RETAIL", "Retail"),
    "log": ("LOGISTICS", "Transport and logistics"),
    "hea": ("HEALTHCARE", "Health care"),
    "con": ("CONSTRUCTION", "Construction"),
    "sof": ("SOFTWARE", "Software"),
    "foo": ("FOOD", "Food and beverages"),
}

# name | street | city | state | postal code | country | currency | industry
_CUSTOMERS = """
Harborlight Manufacturing Inc.|200 Pier Road|Baltimore|MD|21230|US|USD|man
Alder & Finch Retail Ltd|14 Market Row|Leeds||LS1 6DT|GB|GBP|ret
Rheinwerk Maschinenbau GmbH|Hafenstraße 8|Köln||50668|DE|EUR|man
Copper Valley Logistics LLC|77 Depot Avenue|Tucson|AZ|85701|US|USD|log
株式会社さくら商事|日本橋2-7-1|東京||103-0027|JP|JPY|ret
Al Noor Trading Company W.L.L.|Block 4, Street 12|Kuwait City||13002|KW|KWD|ret
Blue Meridian Foods|5 Orchard Lane|Fresno|CA|93721|US|USD|foo
Blue Meridian Foods|61 Quay Street|Auckland||1010|NZ|USD|foo
BLUE MERIDIAN FOODS, Inc.|900 Harvest Drive|Omaha|NE|68102|US|USD|foo
Tidewater Health Partners|310 Clinic Way|Norfolk|VA|23510|US|USD|hea
Müller & Söhne Präzisionsteile KG|Gewerbepark 3|Stuttgart||70565|DE|EUR|man
Crème Dorée Pâtisserie SARL|12 rue des Lilas|Lyon||69003|FR|EUR|foo
O'Hanlon's Hardware Ltd|8 Bridge Street|Cork||T12 X8Y9|IE|EUR|ret
Smith, Okafor & Partners LLP|1 Chancery Court|London||WC2A 1AA|GB|GBP|
Žižkovské pekárny s.r.o.|Husitská 40|Praha||130 00|CZ|EUR|foo
ООО «Северный ветер»|ул. Лесная, 5|Алматы||050000|KZ|USD|log
شركة النخيل للمقاولات|شارع الخليج|الكويت||15461|KW|KWD|con
한빛전자 주식회사|테헤란로 152|서울||06236|KR|USD|man
Ångfors Instrument AB|Verkstadsgatan 21|Göteborg||411 04|SE|EUR|man
Παπαδάκης Ναυτιλιακή Α.Ε.|Ακτή Μιαούλη 17|Πειραιάς||185 35|GR|EUR|log
Summit Ridge Construction Co.|48 Quarry Road|Boulder|CO|80301|US|USD|con
Cedar Point Software, Inc.|2200 Innovation Parkway|Austin|TX|78701|US|USD|sof
Granite Ridge Supply Corp.|19 Mill Street|Manchester|NH|03101|US|USD|man
Lakeshore Medical Devices LLC|640 Lake Drive|Milwaukee|WI|53202|US|USD|hea
Prairie Wind Energy Cooperative|RR 2 Box 88|Fargo|ND|58102|US|USD|
Bayou Seafood Distributors|33 Wharf Street|New Orleans|LA|70130|US|USD|foo
Northgate Textiles Ltd|Mill 4, Canal Road|Bradford||BD1 4SP|GB|GBP|man
Kestrel Aerospace Components plc|Hangar Way|Bristol||BS34 7QS|GB|GBP|man
Highland Spring Brewing Ltd|2 Still Close|Inverness||IV1 1AA|GB|GBP|foo
Nordlicht Verpackung GmbH & Co. KG|Industrieweg 55|Bremen||28195|DE|EUR|man
Fjordblikk Eiendom AS|Strandgaten 6|Bergen||5013|NO|EUR|con
Compañía Minera del Sol S.A.|Av. Los Álamos 900|Antofagasta||1240000|CL|USD|man
São Bento Agroindustrial Ltda|Rua das Palmeiras 77|Curitiba|PR|80010-000|BR|USD|foo
青空物流株式会社|港町3-1|横浜||231-0002|JP|JPY|log
みどり建設株式会社|緑区1-9-4|名古屋||458-0001|JP|JPY|con
Gulf Horizon Contracting W.L.L.|Tower 2, Floor 9|Kuwait City||13010|KW|KWD|con
Evergreen Office Supplies|12 Spruce Street|Portland|OR|97201|US|USD|ret
Evergreen Office Supplies, LLC|780 Pine Avenue|Portland|ME|04101|US|USD|ret
Silverline Optics B.V.|Lichtstraat 4|Eindhoven||5611|NL|EUR|man
Redwood Community Clinics||Eureka|CA||US|USD|hea
"""


def _customer(number: int, line: str) -> NewCustomer:
    name, street, city, state, postal_code, country, currency, industry = line.split("|")
    return NewCustomer(
        name=name,
        address=street,
        city=city,
        state=state or None,
        postal_code=postal_code or None,
        country=country,
        currency=currency,
        industry=_INDUSTRIES.get(industry),
        phone=None if number % 5 == 3 else f"+1 555 01{number:02d}",
        url=None if number % 3 else f"https://www.customer{number}.example",
        tax_id=f"TX{number:06d}" if number % 2 else None,
        status="I" if number == 37 else "A",
        source=("LEGACY", f"C-{number:05d}") if number % 6 == 1 else None,
    )


CUSTOMERS = [_customer(number, line) for number, line in enumerate(_CUSTOMERS.strip().splitlines(), 1)]
# Buys nothing yet, and two companies of the CRM could be it.
PROSPECT = _customer(41, "Granite State Supply Corp.|19 Mill Street|Manchester|NH|03101|US|USD|man")
WAITING = NewCustomer(
    "Silent Creek Outfitters Inc.",
    "4 Trailhead Road",
    "Missoula",
    "MT",
    "59801",
    "US",
    _INDUSTRIES["ret"],
    "+1 555 0199",
)

_PEOPLE = """
Dana|Whitfield|Accounts payable lead
Priya|Raman|Controller
Jürgen|Löwe|Leiter Einkauf
Amélie|Rousseau|Comptable
健太|佐藤|経理部長
فاطمة|الصباح|مديرة الحسابات
Marcus|Oyelaran|Finance manager
Ingrid|Sæther|Accounts payable
Tomás|Herrera|Purchasing
Grace|Kim|Office manager
Nikos|Pappas|Owner
Helen|O'Dowd|Treasurer
Wei|Zhang|Accounts payable
"""


def _person(number: int, line: str) -> NewPerson:
    first, last, title = line.split("|")
    return NewPerson(
        first,
        last,
        None if number == 11 else f"contact{number}@customer.example",
        title,
        None if number % 4 == 0 else f"+1 555 02{number:02d}",
        no_email=number == 7,
        no_contact=number == 10,
    )


PEOPLE = [_person(number, line) for number, line in enumerate(_PEOPLE.strip().splitlines(), 1)]

ITEMS = [
    ("AS100", "Hydraulic pump, standard"),
    ("AS205", "Pressure valve, brass"),
    ("BX310", "Mounting bracket, steel"),
    ("BX311", "Mounting bracket, stainless"),
    ("CT400", "Control unit, 4 channels"),
    ("CT480", "Control unit, 8 channels"),
    ("SV900", "On-site service, per hour"),
    ("SV910", "Remote support, per month"),
    ("KB020", "Cable set, 20 m"),
    ("FL077", "Filter cartridge, pack of ten"),
    ("LB500", "Label roll – thermal, 500 pcs"),
    ("DR001", "Documentation & training"),
]

SUPPLIERS = [
    ("Ironbridge Steelworks Ltd", "GB", "GBP"),
    ("Pacific Rim Components Inc.", "US", "USD"),
    ("Donau Elektronik GmbH", "AT", "EUR"),
    ("Maple Freight Services", "CA", "USD"),
    ("Estrella Packaging S.L.", "ES", "EUR"),
    ("Kansai Precision K.K.", "JP", "JPY"),
    ("Desert Star Catering W.L.L.", "KW", "KWD"),
    ("Old Town Print & Copy", "US", "USD"),
]
