"""Property definitions every account has, per type.

Names and rules: the object guides below https://developers.hubspot.com/docs/api-reference/latest/crm/objects/. Each
line of a table reads ``name type [flags]``; flags are ``ro`` (readOnlyValue), ``calc`` (calculated), ``multi``
(several values), ``area`` (text area) and ``unique``.
"""

from __future__ import annotations

from .kinds import COMPANY, CONTACT, INVOICE, LINE_ITEM, PAYMENT

ADDRESS = """
address string
city string
state string
zip string
country string
"""

COMMON = """
hs_object_id number ro
"""

TABLES: dict[str, str] = {
    COMPANY.name: ADDRESS + COMMON + """
name string
domain string
phone string
website string
address2 string
industry enumeration
numberofemployees number
annualrevenue number
description string area
createdate datetime ro
hs_lastmodifieddate datetime ro
""",
    CONTACT.name: ADDRESS + COMMON + """
email string unique
firstname string
lastname string
phone string
mobilephone string
jobtitle string
createdate datetime ro
lastmodifieddate datetime ro
""",
    INVOICE.name: COMMON + """
hs_currency enumeration
hs_invoice_status enumeration
hs_invoice_date datetime
hs_due_date datetime
hs_invoice_billable bool
hs_purchase_order_number string
hs_comments string area
hs_language string
hs_locale string
hs_tax_id string
hs_invoice_payment_collection_method enumeration
hs_allow_partial_payments bool
hs_allowed_payment_methods enumeration multi
hs_collect_address_types enumeration multi
hs_recipient_shipping_address string
hs_recipient_shipping_address2 string
hs_recipient_shipping_city string
hs_recipient_shipping_state string
hs_recipient_shipping_zip string
hs_recipient_shipping_country string
hs_recipient_company_address string
hs_recipient_company_address2 string
hs_recipient_company_city string
hs_recipient_company_state string
hs_recipient_company_zip string
hs_recipient_company_country string
hs_amount_billed number
hs_balance_due number ro calc
hs_number string
hs_payment_date datetime
hs_external_createdate datetime
hs_createdate datetime ro
hs_lastmodifieddate datetime ro
""",
    LINE_ITEM.name: COMMON + """
name string
description string area
quantity number
price number
amount number ro calc
discount number
hs_discount_percentage number
tax number
hs_sku string
hs_product_id string
hs_line_item_currency_code enumeration
hs_tax_rate_group_id string
hs_createdate datetime ro
hs_lastmodifieddate datetime ro
""",
    PAYMENT.name: COMMON + """
hs_initial_amount number
hs_initiated_date datetime
hs_latest_status enumeration
hs_currency_code enumeration
hs_reference_number string
hs_processor_type enumeration
hs_payment_method_type enumeration
hs_customer_email string
hs_internal_comment string area
hs_fees_amount number
hs_refunds_amount number
hs_payout_date datetime
hs_payment_method_last_4 string
hs_payment_method_bank_or_issuer string
hs_line_item_discounts_amount number
hs_billing_address_street string
hs_billing_address_city string
hs_billing_address_state string
hs_billing_address_postal_code string
hs_billing_address_country string
hs_shipping_address_street string
hs_shipping_address_city string
hs_shipping_address_state string
hs_shipping_address_postal_code string
hs_shipping_address_country string
hs_payment_id string ro
hs_payment_source_id string ro
hs_payment_source_name string ro
hs_payment_source_url string ro
hs_payment_type string ro
hs_payment_method string ro
hs_net_amount number ro calc
hs_net_amount_in_portal_currency number ro calc
hs_initial_amount_in_portal_currency number ro calc
hs_fees_amount_in_portal_currency number ro calc
hs_refunds_amount_in_portal_currency number ro calc
hs_platform_fee number ro
hs_platform_fee_in_portal_currency number ro calc
hs_order_discount_amount number ro
hs_order_discount_percentage number ro
hs_digital_wallet_type string ro
hs_settlement_currency_code string ro
hs_total_discounts_amount number ro calc
hs_has_associated_invoice bool ro calc
hs_number_of_associated_invoices number ro calc
hs_payment_creation_method string ro
hs_createdate datetime ro
hs_lastmodifieddate datetime ro
""",
}  # fmt: skip

CURRENCY_PROPERTIES = frozenset({"hs_currency", "hs_currency_code", "hs_line_item_currency_code"})

INDUSTRIES = [
    "ACCOUNTING",
    "AIRLINES_AVIATION",
    "ARCHITECTURE_PLANNING",
    "AUTOMOTIVE",
    "AVIATION_AEROSPACE",
    "BANKING",
    "BIOTECHNOLOGY",
    "BROADCAST_MEDIA",
    "BUILDING_MATERIALS",
    "BUSINESS_SUPPLIES_AND_EQUIPMENT",
    "CAPITAL_MARKETS",
    "CHEMICALS",
    "CIVIL_ENGINEERING",
    "COMPUTER_HARDWARE",
    "COMPUTER_NETWORKING",
    "COMPUTER_SOFTWARE",
    "CONSTRUCTION",
    "CONSUMER_ELECTRONICS",
    "CONSUMER_GOODS",
    "CONSUMER_SERVICES",
    "COSMETICS",
    "DAIRY",
    "DEFENSE_SPACE",
    "EDUCATION_MANAGEMENT",
    "ELECTRICAL_ELECTRONIC_MANUFACTURING",
    "ENTERTAINMENT",
    "ENVIRONMENTAL_SERVICES",
    "FACILITIES_SERVICES",
    "FARMING",
    "FINANCIAL_SERVICES",
    "FOOD_BEVERAGES",
    "FOOD_PRODUCTION",
    "FURNITURE",
    "GOVERNMENT_ADMINISTRATION",
    "HIGHER_EDUCATION",
    "HOSPITAL_HEALTH_CARE",
    "HOSPITALITY",
    "HUMAN_RESOURCES",
    "IMPORT_AND_EXPORT",
    "INDUSTRIAL_AUTOMATION",
    "INFORMATION_TECHNOLOGY_AND_SERVICES",
    "INSURANCE",
    "INTERNET",
    "LAW_PRACTICE",
    "LEGAL_SERVICES",
    "LEISURE_TRAVEL_TOURISM",
    "LOGISTICS_AND_SUPPLY_CHAIN",
    "MACHINERY",
    "MANAGEMENT_CONSULTING",
    "MARITIME",
    "MARKETING_AND_ADVERTISING",
    "MECHANICAL_OR_INDUSTRIAL_ENGINEERING",
    "MEDICAL_DEVICES",
    "MINING_METALS",
    "NANOTECHNOLOGY",
    "OIL_ENERGY",
    "OUTSOURCING_OFFSHORING",
    "PACKAGE_FREIGHT_DELIVERY",
    "PACKAGING_AND_CONTAINERS",
    "PAPER_FOREST_PRODUCTS",
    "PHARMACEUTICALS",
    "PLASTICS",
    "PRINTING",
    "PROFESSIONAL_TRAINING_COACHING",
    "REAL_ESTATE",
    "RENEWABLES_ENVIRONMENT",
    "RESEARCH",
    "RESTAURANTS",
    "RETAIL",
    "SEMICONDUCTORS",
    "SHIPBUILDING",
    "SPORTING_GOODS",
    "STAFFING_AND_RECRUITING",
    "SUPERMARKETS",
    "TELECOMMUNICATIONS",
    "TEXTILES",
    "TOBACCO",
    "TRANSPORTATION_TRUCKING_RAILROAD",
    "UTILITIES",
    "WAREHOUSING",
    "WHOLESALE",
    "WINE_AND_SPIRITS",
    "WIRELESS",
]

OPTIONS: dict[tuple[str, str], list[str]] = {
    (COMPANY.name, "industry"): INDUSTRIES,
    (INVOICE.name, "hs_invoice_status"): ["draft", "open", "paid", "voided"],
    (INVOICE.name, "hs_invoice_payment_collection_method"): ["manual", "none"],
    (INVOICE.name, "hs_allowed_payment_methods"): ["card", "ach", "sepa", "bacs", "pads"],
    (INVOICE.name, "hs_collect_address_types"): ["billing_address", "shipping_address"],
    (PAYMENT.name, "hs_latest_status"): [
        "processing", "succeeded", "failed", "refunded", "partially_refunded", "processing_refund", "disputed_won",
        "disputed_lost", "disputed_action_required", "disputed_awaiting_decision",
    ],
    (PAYMENT.name, "hs_processor_type"): ["hs_payments", "byo_stripe", "none", "quickbooks", "xero"],
    (PAYMENT.name, "hs_payment_method_type"): [
        "card", "ach", "cash", "check", "wire_transfer", "other", "sepa", "bacs", "pads",
    ],
}  # fmt: skip

# Which field types go with a type; any other pair is refused.
FIELD_TYPES: dict[str, tuple[str, ...]] = {
    "bool": ("booleancheckbox", "calculation_equation"),
    "date": ("date",),
    "datetime": ("date",),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox", "calculation_equation"),
    "number": ("number", "calculation_equation"),
    "phone_number": ("phonenumber",),
    "string": ("text", "textarea", "file", "html", "phonenumber", "calculation_equation"),
}

TAX_RATES: tuple[dict[str, object], ...] = (
    {"id": "70001", "name": "Standard 20%", "percentageRate": 20, "label": "VAT", "active": True},
    {"id": "70002", "name": "Reduced 7%", "percentageRate": 7, "label": "VAT", "active": True},
)
