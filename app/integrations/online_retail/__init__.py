"""The UCI "Online Retail" data set as orders, refunds and adjustments. Pure but for reading the file.

Online Retail, Daqing Chen, UCI Machine Learning Repository (2015), https://doi.org/10.24432/C5BW33, CC BY 4.0: the
invoice lines of a UK shop for gifts, 2010-12-01 to 2011-12-09. Driven by app/seeding; it never writes anything.
"""

from app.integrations.online_retail.lines import COLUMNS, CURRENCY, ZONE
from app.integrations.online_retail.reading import Reading
from app.integrations.online_retail.report import Report
from app.integrations.online_retail.survey import Invoice, Survey, survey

__all__ = ["COLUMNS", "CURRENCY", "ZONE", "Invoice", "Reading", "Report", "Survey", "survey"]
