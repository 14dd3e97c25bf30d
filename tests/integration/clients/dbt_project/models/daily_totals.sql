{{ config(
    materialized='incremental',
    engine='MergeTree()',
    order_by='day',
    unique_key='day',
    incremental_strategy='legacy'
) }}

select day, count() as orders, sum(amount) as total, max(placed) as newest
from {{ ref('staged_orders') }}
{% if is_incremental() %}
where day >= (select max(day) from {{ this }})
{% endif %}
group by day
