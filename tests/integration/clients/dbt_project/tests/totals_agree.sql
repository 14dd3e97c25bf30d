select total
from (select sum(total) as total from {{ ref('daily_totals') }}) as days
where total != (select sum(total) from {{ ref('customer_totals') }})
