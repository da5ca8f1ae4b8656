"""What the customer accounts of the public datasets must be, computed from the raw files a second time.

Plain Python `decimal`, `csv` and `json`, written from design and data alone: nothing of the product is
imported here, so that a fault in it cannot also stand here. Comparing belongs in `test_real`.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

UNKNOWN = "(ukendt)"
ZERO = Decimal(0)
CENT = Decimal("0.01")
MONEY = Decimal("0.0001")

COST_COLUMNS = {
    "bonus": "bonus",
    "marketing": "bonus",
    "cash_discount": "cash_discount",
    "freight": "freight",
    "return_handling": "handling",
    "commission": "other_direct",
    "bad_debt": "other_direct",
    "other": "other_direct",
}
LADDER = (
    "list_sales",
    "invoice_discount",
    "invoiced_sales",
    "returns",
    "bonus",
    "cash_discount",
    "net_sales",
    "cogs",
    "db1",
    "freight",
    "handling",
    "other_direct",
    "db2",
    "order_cost",
    "sales_effort_cost",
    "credit_cost",
    "db3",
)
MEMO = ("freight_charged", "sales_without_cost", "returns_without_cost")
COUNTS = ("order_count", "line_count", "return_line_count")
PRODUCT_COLUMNS = (
    "quantity",
    "list_sales",
    "invoice_discount",
    "invoiced_sales",
    "returns",
    "cogs",
    "product_margin",
)


@dataclass(frozen=True)
class Line:
    """One line of an invoice or credit note; amounts in company currency, credit notes negative."""

    document: str
    posted: date
    customer: str
    product: str
    quantity: Decimal
    list_amount: Decimal
    net_amount: Decimal
    cost: Decimal | None = None
    is_credit_note: bool = False
    line_type: str = "goods"


@dataclass(frozen=True)
class Cost:
    """One direct cost of a customer; a cost is positive."""

    posted: date
    customer: str
    cost_type: str
    amount: Decimal


@dataclass(frozen=True)
class PoolMonth:
    """What a cost pool took in during a month and what became of it, in company currency.

    Attributes:
        cost: what the ledger posted on the pool's accounts.
        driver_total: sum of the driver over the customers who share the pool.
        allocated: given to customers.
        unallocated: given to nobody, because no customer has a driver.
        receivers: customers with a driver.
    """

    cost: Decimal
    driver_total: Decimal
    allocated: Decimal
    unallocated: Decimal
    receivers: int

    @property
    def rate(self) -> Decimal | None:
        """Cost per unit of the driver, to 6 decimals; None without a driver."""
        if not self.driver_total:
            return None
        return (self.cost / self.driver_total).quantize(Decimal("0.000001"), ROUND_HALF_UP)


@dataclass
class Expected:
    """What a publication of one dataset must contain.

    Attributes:
        customers: ids in the dimension, the unknown customer included.
        products: ids in the dimension, the unknown product included.
        salespeople: number of salespeople, not counting the one for what nobody owns.
        records: (feed, file name) -> records read and left out; none are rejected.
        accounts: (customer, first day of month) -> amounts and counts by column.
        product_accounts: (customer, product, first day of month) -> amounts by column.
        priced_quantities: the same -> quantity of goods lines that came with a price.
        ledger: (currency, first day of month) -> entries on pool accounts, in company currency.
        pools: (cost pool, first day of month) -> what became of its cost.
        allocations: (cost pool, first day of month, customer) -> driver and amount.
        owners: customer -> the salesperson who owns it in all months.
    """

    customers: set[str] = field(default_factory=lambda: {UNKNOWN})
    products: set[str] = field(default_factory=lambda: {UNKNOWN})
    salespeople: int = 0
    records: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    accounts: dict[tuple[str, date], dict[str, Decimal]] = field(default_factory=dict)
    product_accounts: dict[tuple[str, str, date], dict[str, Decimal]] = field(default_factory=dict)
    priced_quantities: dict[tuple[str, str, date], Decimal] = field(default_factory=dict)
    ledger: dict[tuple[str, date], Decimal] = field(default_factory=dict)
    pools: dict[tuple[str, date], PoolMonth] = field(default_factory=dict)
    allocations: dict[tuple[str, date, str], dict[str, Decimal]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    @property
    def months(self) -> set[date]:
        """Months in which something is posted, on a customer or in the ledger."""
        return {month for _, month in self.accounts} | {month for _, month in self.pools}

    def total(self, column: str, month: date | None = None) -> Decimal:
        """A column summed over the company, in a month or in all of them."""
        return sum(
            (row[column] for (_, posted), row in self.accounts.items() if month in (None, posted)), start=ZERO
        )


def recompute(dataset: str, folder: Path) -> Expected:
    """The expected result of a dataset whose raw files stand in `folder`."""
    return _DATASETS[dataset](folder)


# --- the account, from the lines ------------------------------------------------------------------------
def _account(lines: list[Line], costs: list[Cost], expected: Expected) -> Expected:
    accounts: dict[tuple[str, date], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    products: dict[tuple[str, str, date], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    orders: dict[tuple[str, date], set[str]] = defaultdict(set)
    for line in lines:
        month = line.posted.replace(day=1)
        account = accounts[line.customer, month]
        product = products[line.customer, line.product, month]
        if line.line_type == "freight_charge":
            account["freight_charged"] += line.net_amount
            continue
        for target in (account, product):
            if line.is_credit_note:
                target["returns"] -= line.net_amount
            elif line.line_type == "discount":
                target["invoice_discount"] -= line.net_amount
            else:
                target["list_sales"] += line.list_amount
                target["invoice_discount"] += line.list_amount - line.net_amount
            if line.line_type == "goods":
                target["cogs"] += line.cost or ZERO
        if line.line_type == "goods":
            product["quantity"] += line.quantity
            product["priced_quantity"] += line.quantity if line.net_amount else ZERO
            if line.is_credit_note:
                account["return_line_count"] += line.quantity < 0
            elif line.quantity > 0 and line.net_amount > 0:
                account["line_count"] += 1
                orders[line.customer, month].add(line.document)
            if line.cost is None and line.quantity:
                if line.is_credit_note:
                    account["returns_without_cost"] -= line.net_amount
                else:
                    account["sales_without_cost"] += line.net_amount
    for cost in costs:
        accounts[cost.customer, cost.posted.replace(day=1)][COST_COLUMNS[cost.cost_type]] += cost.amount
    for key, account in accounts.items():
        account["order_count"] = Decimal(len(orders[key]))
        account["freight"] -= account["freight_charged"]
        account["invoiced_sales"] = account["list_sales"] - account["invoice_discount"]
        account["net_sales"] = (
            account["invoiced_sales"] - account["returns"] - account["bonus"] - account["cash_discount"]
        )
        account["db1"] = account["net_sales"] - account["cogs"]
        account["db2"] = account["db1"] - account["freight"] - account["handling"] - account["other_direct"]
        account["db3"] = account["db2"]
        row = {column: account[column] for column in (*LADDER, *MEMO, *COUNTS)}
        if any(row.values()):
            expected.accounts[key] = row
    for product_key, product in products.items():
        product["invoiced_sales"] = product["list_sales"] - product["invoice_discount"]
        product["product_margin"] = product["invoiced_sales"] - product["returns"] - product["cogs"]
        row = {column: product[column] for column in PRODUCT_COLUMNS}
        if any(row.values()):
            expected.product_accounts[product_key] = row
            expected.priced_quantities[product_key] = product["priced_quantity"]
    return expected


# --- the cost of serving, from the ledger ---------------------------------------------------------------
def _share(cost: Decimal, drivers: dict[str, Decimal]) -> dict[str, Decimal]:
    """A cost in whole cents, split by driver: the cents left over go to the largest remainders.

    Whole numbers throughout, so that no rounding decides who has the larger remainder; equal remainders
    are served in the order of the customers' numbers.
    """
    cents, below_a_cent = divmod(cost, CENT)
    if cost < 0 or below_a_cent:
        raise ValueError(f"no cost of {cost} is shared in these data; say first what shall become of it")
    parts = {customer: int(driver / MONEY) for customer, driver in drivers.items()}
    whole = sum(parts.values())
    shares = {customer: divmod(int(cents) * part, whole) for customer, part in parts.items()}
    left_over = int(cents) - sum(share for share, _ in shares.values())
    by_remainder = sorted(shares, key=lambda customer: (-shares[customer][1], customer))
    lucky = set(by_remainder[:left_over])
    return {customer: (share + (customer in lucky)) * CENT for customer, (share, _) in shares.items()}


def _allocate(
    pool_costs: dict[tuple[str, date], Decimal],
    sharing: dict[str, set[str]],
    column: str,
    driver: str,
    expected: Expected,
) -> Expected:
    """Give each pool to the customers who share it, by a column of their account of that month.

    Args:
        pool_costs: (cost pool, first day of month) -> cost.
        sharing: cost pool -> customers.
        column: column of the account that takes the cost.
        driver: column of the account that decides the share.
    """
    accounts: dict[date, dict[str, dict[str, Decimal]]] = defaultdict(dict)
    for (customer, month), account in expected.accounts.items():
        accounts[month][customer] = account
    for (pool, month), cost in pool_costs.items():
        drivers = {
            customer: account[driver]
            for customer, account in accounts[month].items()
            if customer in sharing[pool] and account[driver] > 0
        }
        amounts = _share(cost, drivers) if drivers else {}
        for customer, amount in amounts.items():
            account = accounts[month][customer]
            account[column] += amount
            account["db3"] -= amount
            expected.allocations[pool, month, customer] = {"weight": drivers[customer], "amount": amount}
        allocated = sum(amounts.values(), start=ZERO)
        expected.pools[pool, month] = PoolMonth(
            cost=cost,
            driver_total=sum(drivers.values(), start=ZERO),
            allocated=allocated,
            unallocated=cost - allocated,
            receivers=len(drivers),
        )
    return expected


# --- the datasets ---------------------------------------------------------------------------------------
def _northwind(folder: Path) -> Expected:
    orders = {row["OrderID"]: row for row in _rows(folder / "Orders.csv")}
    details = list(_rows(folder / "OrderDetails.csv"))
    customers = list(_rows(folder / "Customers.csv"))
    products = list(_rows(folder / "Products.csv"))
    salespeople = list(_rows(folder / "Employees.csv"))

    def posted(order: dict[str, str]) -> date:
        month, day, year = order["OrderDate"].split("/")
        return date(int(year), int(month), int(day))

    lines = []
    for row in details:
        order = orders[row["OrderID"]]
        amount = Decimal(row["UnitPrice"]) * Decimal(row["Quantity"])
        lines.append(
            Line(
                document=row["OrderID"],
                posted=posted(order),
                customer=order["CustomerID"],
                product=row["ProductID"],
                quantity=Decimal(row["Quantity"]),
                list_amount=amount,
                net_amount=amount - amount * Decimal(row["Discount"]),
            )
        )
    costs = [
        Cost(posted(order), order["CustomerID"], "freight", Decimal(order["Freight"]))
        for order in orders.values()
    ]
    expected = Expected(salespeople=len(salespeople))
    expected.customers |= {row["CustomerID"] for row in customers}
    expected.products |= {row["ProductID"] for row in products}
    expected.records = {
        ("sales_lines", "OrderDetails.csv"): (len(details), 0),
        ("customer_costs", "Orders.csv"): (len(orders), 0),
        ("customers", "Customers.csv"): (len(customers), 0),
        ("products", "Products.csv"): (len(products), 0),
        ("salespeople", "Employees.csv"): (len(salespeople), 0),
    }
    return _account(lines, costs, expected)


def _online_retail(folder: Path) -> Expected:
    name = "online_retail_2010-12_2011-06.csv.gz"
    rows = list(_rows(folder / name))
    fees = {"AMAZONFEE": "commission", "CRUK": "commission", "BANK CHARGES": "other"}
    line_types = {
        "POST": "freight_charge",
        "DOT": "freight_charge",
        "C2": "freight_charge",
        "D": "discount",
        "M": "fee",
    }
    lines: list[Line] = []
    costs: list[Cost] = []
    packing: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    entries = 0
    for row in rows:
        code = row["StockCode"].upper()
        posted = datetime.strptime(row["InvoiceDate"], "%Y-%m-%d %H:%M:%S").date()
        customer = row["CustomerID"].removesuffix(".0") or UNKNOWN
        amount = Decimal(row["Quantity"]) * Decimal(row["UnitPrice"])
        if code == "DOT":
            packing["packing", posted.replace(day=1)] += amount
            entries += 1
        if row["InvoiceNo"].startswith("A"):
            costs.append(Cost(posted, customer, "bad_debt", -amount))
        elif code in fees:
            costs.append(Cost(posted, customer, fees[code], -amount))
        else:
            lines.append(
                Line(
                    document=row["InvoiceNo"],
                    posted=posted,
                    customer=customer,
                    product=code,
                    quantity=Decimal(row["Quantity"]),
                    list_amount=amount,
                    net_amount=amount,
                    is_credit_note=row["InvoiceNo"].startswith("C"),
                    line_type=line_types.get(code, "goods"),
                )
            )
    expected = Expected()
    expected.customers |= {line.customer for line in lines} | {cost.customer for cost in costs}
    expected.products |= {line.product for line in lines}
    expected.records = {
        ("sales_lines", name): (len(rows), len(costs)),
        ("customer_costs", name): (len(rows), len(lines)),
        ("ledger_entries", name): (len(rows), len(rows) - entries),
        ("ledger_accounts", "ledger_accounts.csv"): (1, 0),
        ("cost_pools", "cost_pools.csv"): (1, 0),
    }
    expected.ledger = {("GBP", month): cost for (_, month), cost in packing.items()}
    _account(lines, costs, expected)
    sharing = {"packing": expected.customers}
    return _allocate(packing, sharing, column="order_cost", driver="line_count", expected=expected)


def _foodmart(folder: Path) -> Expected:
    days = {
        row["time_id"]: date.fromisoformat(row["the_date"][:10]) for row in _rows(folder / "time_by_day.csv")
    }
    sales = list(_rows(folder / "sales_fact_1997.csv"))
    customers = list(_rows(folder / "customer.csv"))
    products = list(_rows(folder / "product.csv"))
    expenses = list(_rows(folder / "expense_fact.csv"))
    rates = list(_rows(folder / "currency.csv"))
    stores = {row["store_id"]: row["store_country"] for row in _rows(folder / "store.csv")}
    regions = {row["region_id"]: row["sales_region"] for row in _rows(folder / "region.csv")}
    pools = {"USA": "stores_usa", "Mexico": "stores_mexico", "Canada": "stores_canada"}
    currencies = {"USD": "USD", "Mexican Peso": "MXN", "Canadian Dollar": "CAD"}
    lines = [
        Line(
            document=f"{row['customer_id']} {row['time_id']} {row['store_id']}",
            posted=days[row["time_id"]],
            customer=row["customer_id"],
            product=row["product_id"],
            quantity=Decimal(row["unit_sales"]),
            list_amount=Decimal(row["store_sales"]),
            net_amount=Decimal(row["store_sales"]),
            cost=Decimal(row["store_cost"]),
        )
        for row in sales
    ]
    expected = Expected()
    expected.customers |= {row["customer_id"] for row in customers}
    expected.products |= {row["product_id"] for row in products}
    expected.owners = {row["customer_id"]: regions[row["customer_region_id"]] for row in customers}
    expected.records = {
        ("sales_lines", "sales_fact_1997.csv"): (len(sales), 0),
        ("customers", "customer.csv"): (len(customers), 0),
        ("customer_owners", "customer.csv"): (len(customers), 0),
        ("products", "product.csv"): (len(products), 0),
        ("ledger_entries", "expense_fact.csv"): (len(expenses), 0),
        ("exchange_rates", "currency.csv"): (len(rates), 0),
        # an account for each country's four kinds of expense, a pool for each country
        ("ledger_accounts", "ledger_accounts.csv"): (12, 0),
        ("cost_pools", "cost_pools.csv"): (3, 0),
    }
    rate_of = {
        (row["currency_id"], date.fromisoformat(row["date"])): (
            currencies[row["currency"]],
            Decimal(row["conversion_ratio"]),
        )
        for row in rates
    }
    pool_costs: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for row in expenses:
        month = date.fromisoformat(row["exp_date"].removesuffix(" 00:00:00.0")).replace(day=1)
        currency, rate = rate_of[row["currency_id"], month]
        amount = (Decimal(row["amount"]) * rate).quantize(MONEY, ROUND_HALF_UP)
        expected.ledger[currency, month] = expected.ledger.get((currency, month), ZERO) + amount
        pool_costs[pools[stores[row["store_id"]]], month] += amount
    sharing = {
        pool: {row["customer_id"] for row in customers if row["country"] == country}
        for country, pool in pools.items()
    }
    _account(lines, [], expected)
    return _allocate(pool_costs, sharing, column="order_cost", driver="net_sales", expected=expected)


def _sap_bikes(folder: Path) -> Expected:
    orders = {row["SALESORDERID"]: row for row in _rows(folder / "SalesOrders.csv")}
    items = list(_rows(folder / "SalesOrderItems.csv"))
    partners = list(_rows(folder / "BusinessPartners.csv"))
    texts = list(_rows(folder / "ProductTexts.csv"))
    employees = list(_rows(folder / "Employees.csv", encoding="cp1252"))
    products = {row["PRODUCTID"] for row in texts if row["LANGUAGE"] == "EN"}
    lines = []
    for row in items:
        order = orders[row["SALESORDERID"]]
        if order["BILLINGSTATUS"] != "C":
            continue
        amount = Decimal(row["NETAMOUNT"]) * Decimal(row["QUANTITY"])
        lines.append(
            Line(
                document=row["SALESORDERID"],
                posted=datetime.strptime(order["CREATEDAT"], "%Y%m%d").date(),
                customer=order["PARTNERID"],
                product=row["PRODUCTID"],
                quantity=Decimal(row["QUANTITY"]),
                list_amount=amount,
                net_amount=amount,
            )
        )
    expected = Expected(salespeople=len(employees))
    expected.customers |= {row["PARTNERID"] for row in partners}
    expected.products |= products
    expected.records = {
        ("sales_lines", "SalesOrderItems.csv"): (len(items), len(items) - len(lines)),
        ("customers", "BusinessPartners.csv"): (len(partners), 0),
        ("products", "ProductTexts.csv"): (len(texts), len(texts) - len(products)),
        ("salespeople", "Employees.csv"): (len(employees), 0),
    }
    return _account(lines, [], expected)


def _economic_json(folder: Path) -> Expected:
    names = (
        "invoice_book.json",
        "invoice_book_with_number.json",
        "create_booked_invoice.json",
        "create_booked_invoice_with_ean.json",
    )
    products = _json(folder / "products_0.json")["collection"]
    expected = Expected()
    expected.products |= {product["productNumber"] for product in products}
    lines = []
    for name in names:
        invoice = _json(folder / name)
        customer = str(invoice["customer"]["customerNumber"])
        expected.customers.add(customer)
        expected.records["sales_lines", name] = (len(invoice["lines"]), 0)
        for line in invoice["lines"]:
            product = line["product"]["productNumber"]
            expected.products.add(product)
            cost = line.get("unitCostPrice")
            lines.append(
                Line(
                    document=str(invoice.get("orderNumber", invoice["bookedInvoiceNumber"])),
                    posted=date.fromisoformat(invoice["date"]),
                    customer=customer,
                    product=product,
                    quantity=line["quantity"],
                    list_amount=line["quantity"] * line["unitNetPrice"],
                    net_amount=line["totalNetAmount"],
                    cost=None if cost is None else line["quantity"] * cost,
                    is_credit_note=invoice["netAmount"] < 0,
                )
            )
    expected.records["products", "products_0.json"] = (len(products), 0)
    return _account(lines, [], expected)


_DATASETS: dict[str, Callable[[Path], Expected]] = {
    "northwind": _northwind,
    "online_retail": _online_retail,
    "foodmart": _foodmart,
    "sap_bikes": _sap_bikes,
    "economic_json": _economic_json,
}
DATASETS = tuple(_DATASETS)


# --- files ----------------------------------------------------------------------------------------------
def _rows(path: Path, encoding: str = "utf-8-sig") -> Iterator[dict[str, str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding=encoding, newline="") as stream:
        yield from csv.DictReader(stream)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
