{{ config(materialized='view') }}

select id, customer, amount, toDate(placed) as day, placed
from {{ source('raw', 'orders') }}
where amount > 0
