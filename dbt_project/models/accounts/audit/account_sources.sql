-- What each line of each account is made of, by file and by pool: the sums of its postings. Single postings are in
-- the view postings.
select
    customer_id,
    month,
    line_code,
    feed,
    coalesce(source_file, cost_pool_id, feed) as source,
    file_sha256,
    cast(sum(amount) as decimal(18, 4)) as amount,
    cast(count(*) as bigint) as posting_count
from {{ ref('postings') }}
group by customer_id, month, line_code, feed, coalesce(source_file, cost_pool_id, feed), file_sha256
