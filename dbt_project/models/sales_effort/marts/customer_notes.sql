-- What people have written of a customer, and what they have decided on an action there: of several decisions on one
-- action the newest holds. Which actions there are belongs in customer_actions; a decision on one that is gone stays.
select
    note_id,
    customer_id,
    driver,
    decision,
    note,
    written_by,
    written_on
from {{ ref('stg_customer_notes') }}
