{{ config(materialized='table', engine='MergeTree()', order_by='customer') }}

select
    customers.id as customer,
    customers.name as name,
    count() as orders,
    sum(staged.amount) as total
from {{ ref('staged_orders') }} as staged
inner join {{ ref('raw_customers') }} as customers on customers.id = staged.customer
group by customer, name
